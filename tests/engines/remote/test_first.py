"""Remote engines first, this machine in their place: deadlines, the breaker, and counters that add up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from earwitnessd.engines.degrading import Change, Degradable
from earwitnessd.engines.remote.figures import RemoteFigures
from earwitnessd.engines.remote.first import PAUSES, RemoteFirst, Terms
from earwitnessd.engines.remote.link import RemoteError, Tally, WrongModelError
from earwitnessd.engines.remote.wire import from_int16, to_int16

from .fakes import IDENTITY, Clock, FakeLink, Local, by_content, windows

NAME = "tcp://rack:7803"
IN_PLACE = f"cpu, in place of {NAME}"


class Bench:
    """Remote engines and this machine, with time and threads in the test's hands."""

    def __init__(self, local_window_s: float | None = 0.01, *, reachable: bool = True) -> None:
        self.clock = Clock()
        self.refusal: Exception | None = None if reachable else RemoteError("nobody answers")
        self.links: list[FakeLink] = []
        self.attempts: list[Callable[[], None]] = []
        self.attempted_at_s: list[float] = []
        self.local = None if local_window_s is None else Local(self.clock, local_window_s)
        self.engine = RemoteFirst(
            NAME,
            IDENTITY.model_id,
            self._open,
            self.local,
            Terms(deadline_s=1.0, failures=3),
            Tally(),
            clock=self.clock,
            start=self.attempts.append,
        )
        self.engine.warm_up(1600, 1)
        self.warm = self.engine.figures()
        self.engine.changes()

    def _open(self) -> FakeLink:
        self.attempted_at_s.append(self.clock.now_s)
        if self.refusal is not None:
            raise self.refusal
        self.links.append(FakeLink(self.clock))
        return self.links[-1]

    @property
    def link(self) -> FakeLink:
        return self.links[-1]

    def pass_s(self, seconds: float) -> list[Change]:
        self.clock.now_s += seconds
        told = self.engine.changes()
        while self.attempts:
            self.attempts.pop()()
            told += self.engine.changes()
        return told

    def lose(self) -> None:
        self.link.answers = 0
        for _ in range(3):
            self.engine.embed(windows(1))

    def adds_up(self, asked: int) -> RemoteFigures:
        figures = self.engine.figures()
        assert figures.remote + figures.local + figures.dropped == asked
        return figures


def test_what_comes_back_in_time_is_taken_as_it_is() -> None:
    bench = Bench()
    heard = windows(5)
    np.testing.assert_array_equal(bench.engine.embed_in_time(heard), by_content(heard))
    assert bench.adds_up(5) == RemoteFigures(remote=5)
    assert bench.engine.device == f"{NAME} (a rack)"
    assert isinstance(bench.engine, Degradable)


def test_a_window_is_embedded_alike_wherever_it_is() -> None:
    bench = Bench()
    fine = windows(3) + np.float32(1e-6)  # between two 16-bit samples
    there = bench.engine.embed(fine)
    bench.lose()
    np.testing.assert_array_equal(bench.engine.embed(fine), there)


def test_samples_of_16_bits_come_through_exactly_and_all_others_within_half_a_step() -> None:
    every = from_int16(np.arange(-32768, 32768).astype(np.int16)[np.newaxis])
    np.testing.assert_array_equal(from_int16(to_int16(every)), every)
    noise = np.random.default_rng(1).uniform(-0.99, 0.99, (4, 1000)).astype(np.float32)
    assert np.abs(from_int16(to_int16(noise)) - noise).max() <= 0.5 / 32768 + 1e-9
    loud = np.array([[2.0, -2.0, np.nan]], np.float32)
    assert to_int16(loud).tolist() == [[32767, -32768, 0]]


def test_a_window_that_is_not_finite_spoils_its_own_row_only() -> None:
    bench, heard = Bench(), windows(3)
    heard[1, 7] = np.nan
    vectors = bench.engine.embed_in_time(heard)
    assert np.isnan(vectors[1]).all()
    assert np.isfinite(vectors[[0, 2]]).all()


def test_the_rest_is_computed_here_while_there_is_time() -> None:
    bench, heard = Bench(), windows(8)
    bench.link.answers, bench.link.takes_s = 5, 5.0
    vectors = bench.engine.embed_in_time(heard)
    np.testing.assert_array_equal(vectors, by_content(heard))
    figures = bench.adds_up(8)
    assert (figures.remote, figures.local, figures.failures) == (5, 3, 1)
    assert bench.link.given_s[-1] == pytest.approx(1.0 - 8 * 0.01)
    assert bench.engine.lost == ""


@pytest.mark.parametrize("count", [1, 8, 64])
@pytest.mark.parametrize("local_window_s", [0.001, 0.05, 0.2])
def test_no_batch_takes_longer_than_its_deadline_and_the_oldest_windows_go(
    count: int, local_window_s: float
) -> None:
    bench, heard = Bench(local_window_s), windows(count)
    bench.link.answers, bench.link.takes_s = 0, 5.0
    began_s = bench.clock()
    vectors = bench.engine.embed_in_time(heard)
    assert bench.clock() - began_s <= 1.0 + 1e-9
    kept = np.isfinite(vectors).all(axis=1)
    figures = bench.adds_up(count)
    assert figures.dropped == count - kept.sum()
    assert kept.tolist() == [False] * (count - int(kept.sum())) + [True] * int(kept.sum())
    np.testing.assert_array_equal(vectors[kept], by_content(heard)[kept])
    if count * local_window_s <= 0.5:
        assert kept.all()
    assert kept.any()


def test_what_is_not_in_a_hurry_is_computed_to_the_last_window() -> None:
    bench, heard = Bench(1.0), windows(8)
    bench.link.answers = 0
    np.testing.assert_array_equal(bench.engine.embed(heard), by_content(heard))
    assert bench.adds_up(8).local == 8


def test_a_single_failure_is_no_outage() -> None:
    bench = Bench()
    for answers in (0, 10, 0, 0, 10, 0, 0):
        bench.link.answers = answers
        bench.engine.embed_in_time(windows(2))
    assert bench.engine.changes() == []
    assert bench.engine.lost == ""
    assert bench.adds_up(14).failures == 5


def test_failures_in_a_row_give_the_link_up_with_an_event_and_it_is_not_waited_for_again() -> None:
    bench = Bench()
    bench.link.answers, bench.link.takes_s = 0, 5.0
    for _ in range(3):
        bench.engine.embed_in_time(windows(2))
    assert bench.engine.changes() == [Change(IN_PLACE, "no answer")]
    assert bench.engine.lost == "no answer"
    assert bench.engine.device == IN_PLACE
    assert bench.link.closed
    before_s = bench.clock()
    bench.engine.embed_in_time(windows(2))
    assert bench.clock() - before_s == pytest.approx(0.02)


def test_it_returns_by_itself_once_an_attempt_succeeds() -> None:
    bench = Bench()
    bench.lose()
    assert [change.device for change in bench.pass_s(PAUSES.first_s - 0.1)] == [IN_PLACE]
    [back] = bench.pass_s(0.2)
    assert (back.device, back.lost) == (f"{NAME} (a rack)", "")
    assert back.away_s == pytest.approx(1.1, abs=0.05)
    assert bench.engine.lost == ""
    assert bench.engine.last_loss == "no answer"
    before = bench.adds_up(3)
    bench.engine.embed_in_time(windows(4))
    assert bench.adds_up(7).remote == before.remote + 4


def test_attempts_come_ever_less_often_and_windows_do_not_wait_for_them() -> None:
    bench = Bench()
    bench.refusal = RemoteError("nobody answers")
    bench.lose()
    for _ in range(400):
        bench.pass_s(0.5)
    pauses = np.diff(bench.attempted_at_s[1:])
    assert pauses.max() <= PAUSES.longest_s + 1.0
    assert pauses[:4].tolist() == pytest.approx([2.0, 4.0, 8.0, 16.0], abs=0.6)


def test_another_model_is_given_up_at_once() -> None:
    bench = Bench()
    bench.link.raises = WrongModelError("it computes another")
    vectors = bench.engine.embed_in_time(windows(2))
    np.testing.assert_array_equal(vectors, by_content(windows(2)))
    assert bench.engine.lost == "it computes another"


def test_a_daemon_begins_without_them_and_takes_them_when_they_come() -> None:
    bench = Bench(reachable=False)
    assert bench.engine.lost == "nobody answers"
    assert np.isfinite(bench.engine.embed_in_time(windows(2))).all()
    bench.refusal = None
    assert [change.device for change in bench.pass_s(PAUSES.first_s)] == [f"{NAME} (a rack)"]


def test_without_a_local_engine_windows_are_dropped_and_counted() -> None:
    bench = Bench(None)
    heard = windows(4)
    np.testing.assert_array_equal(bench.engine.embed_in_time(heard), by_content(heard))
    bench.link.answers = 1
    assert np.isnan(bench.engine.embed_in_time(heard)).all(axis=1).tolist() == [True, True, True, False]
    bench.lose()
    assert bench.engine.device == f"nothing, in place of {NAME}"
    assert np.isnan(bench.engine.embed(heard)).all()
    figures = bench.adds_up(4 + 4 + 3 + 4)
    assert (figures.remote, figures.dropped, figures.local) == (5, 10, 0)
