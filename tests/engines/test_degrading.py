"""A device that fails loses no window: the CPU computes until it is back."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable

import numpy as np
import pytest
import torch

from earwitnessd.engines import EmbedError, Vectors, Windows
from earwitnessd.engines.degrading import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    STEADY_S,
    Change,
    Degradable,
    Degrading,
)
from earwitnessd.engines.returning import in_a_thread

WITHIN_S = 20.0
FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
GONE = RuntimeError("CUDA error: an illegal memory access was encountered\nFor debugging consider …")
WINDOWS = np.ones((3, 16), np.float32)
IN_PLACE = "cpu, in place of gpu"


class Fake:
    """An engine that says by its vectors which one it is, and fails when told to."""

    def __init__(self, device: str, mark: float, model_id: str = "m") -> None:
        self.device = device
        self.model_id = model_id
        self.mark = mark
        self.failure: Exception | None = None
        self.warmed: list[tuple[int, int]] = []
        self.computed = 0

    def embed(self, windows: Windows) -> Vectors:
        if self.failure is not None:
            raise self.failure
        self.computed += len(windows)
        return np.full((len(windows), 2), self.mark, np.float32)

    def warm_up(self, window_samples: int, batch: int) -> None:
        if self.failure is not None:
            raise self.failure
        self.warmed.append((window_samples, batch))


class Bench:
    """A degrading engine, with time and threads in the test's hands."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.gpu, self.cpu = Fake("gpu", 1.0), Fake("cpu", 2.0)
        self.refusal: Exception | None = None
        self.opened_at_s: list[float] = []
        self.released = 0
        self.attempts: list[Callable[[], None]] = []
        # begun, and not yet done
        self.engine = Degrading(
            self._open, self.cpu, self._release, clock=lambda: self.now_s, start=self.attempts.append
        )

    def _open(self) -> Fake:
        self.opened_at_s.append(self.now_s)
        if self.refusal is not None:
            raise self.refusal
        return self.gpu

    def _release(self) -> None:
        self.released += 1

    def lose(self, failure: Exception = GONE) -> None:
        self.gpu.failure = failure
        self.engine.embed(WINDOWS)

    def mend(self) -> None:
        self.gpu.failure = self.refusal = None

    def embedded_by(self) -> float:
        vectors = self.engine.embed(WINDOWS)
        assert vectors.shape == (3, 2)
        return float(vectors[0, 0])

    def finish_attempt(self) -> None:
        self.attempts.pop()()

    def pass_s(self, seconds: float) -> list[Change]:
        """As the engine thread does between batches; attempts are done at once."""
        self.now_s += seconds
        told = self.engine.changes()
        while self.attempts:
            self.finish_attempt()
            told += self.engine.changes()
        return told


@pytest.mark.parametrize("failure", [FULL, GONE, EmbedError("the GPU has no memory for a single window")])
def test_the_batch_that_fails_is_computed_by_the_cpu(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench()
    assert bench.embedded_by() == 1.0
    bench.gpu.failure = failure
    assert bench.embedded_by() == 2.0
    why = str(failure).split("\n")[0]
    assert bench.engine.lost == why
    assert bench.engine.device == IN_PLACE
    assert bench.engine.changes() == [Change(IN_PLACE, why)]
    assert bench.engine.changes() == []
    assert bench.released == 1
    assert f"gpu is lost: {why}. cpu computes instead; the next attempt in 5 s" in caplog.text


@pytest.mark.parametrize("failing", range(4))
def test_every_window_is_computed_once_whichever_batch_fails(failing: int) -> None:
    bench = Bench()
    for number in range(6):
        if number == failing:
            bench.gpu.failure = FULL
        assert len(bench.engine.embed(WINDOWS)) == len(WINDOWS)
        bench.mend()
        bench.pass_s(2.0)
    assert bench.gpu.computed + bench.cpu.computed == 6 * len(WINDOWS)
    assert bench.cpu.computed == 3 * len(WINDOWS)  # 6 s are three batches
    assert bench.engine.lost == ""


def test_it_comes_back_after_a_pause_warm_and_says_how_long_it_was_away() -> None:
    bench = Bench()
    bench.engine.warm_up(16, 4)
    bench.lose()
    bench.mend()
    bench.gpu.warmed.clear()
    assert bench.pass_s(FIRST_PAUSE_S - 0.1) == [
        Change(IN_PLACE, "CUDA error: an illegal memory access was encountered")
    ]
    assert bench.opened_at_s == [1000.0]
    assert bench.pass_s(0.1) == [Change("gpu", "", away_s=FIRST_PAUSE_S)]
    assert bench.gpu.warmed == [(16, 4)]
    assert bench.engine.device == "gpu"
    assert bench.engine.lost == ""
    assert bench.engine.last_loss
    assert bench.embedded_by() == 1.0


def test_the_cpu_serves_while_the_device_is_opened() -> None:
    bench = Bench()
    bench.lose()
    bench.mend()
    bench.now_s += FIRST_PAUSE_S
    for _ in range(3):
        assert bench.embedded_by() == 2.0
    assert len(bench.attempts) == 1
    bench.finish_attempt()
    assert bench.embedded_by() == 1.0


def test_attempts_that_fail_come_ever_less_often(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.refusal = FULL
    bench.lose()
    for _ in range(1200):
        bench.pass_s(1.0)
    pauses = np.diff(bench.opened_at_s[1:])
    assert pauses.tolist() == [10, 20, 40, 80, 160, 300, 300]
    assert pauses.max() == LONGEST_PAUSE_S
    assert bench.embedded_by() == 2.0
    assert bench.released == 1 + len(bench.opened_at_s[1:])
    assert "still without the accelerator: CUDA out of memory" in caplog.text
    bench.mend()
    assert [change.device for change in bench.pass_s(LONGEST_PAUSE_S)] == ["gpu"]


@pytest.mark.parametrize(("steady_s", "pause_s"), [(STEADY_S, FIRST_PAUSE_S), (1.0, 2 * FIRST_PAUSE_S)])
def test_a_device_that_is_lost_again_soon_is_given_more_time(steady_s: float, pause_s: float) -> None:
    bench = Bench()
    bench.lose()
    bench.mend()
    bench.pass_s(FIRST_PAUSE_S)
    bench.now_s += steady_s
    bench.lose()
    bench.mend()
    assert bench.pass_s(pause_s - 0.1)[-1].lost
    assert bench.pass_s(0.1) == [Change("gpu", "", pause_s)]


def test_embeddings_of_another_model_do_not_come_back(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.lose()
    bench.gpu = Fake("gpu", 1.0, model_id="m+bf16")
    bench.pass_s(FIRST_PAUSE_S)
    assert bench.embedded_by() == 2.0
    assert "it would give embeddings of m+bf16, not of m" in caplog.text


def test_a_device_that_cannot_even_warm_up_does_not_come_back() -> None:
    bench = Bench()
    bench.engine.warm_up(16, 1)
    bench.lose()
    bench.pass_s(FIRST_PAUSE_S)
    assert bench.engine.lost
    assert bench.embedded_by() == 2.0


def test_what_the_cpu_cannot_compute_either_is_no_loss_of_the_device() -> None:
    bench = Bench()
    bench.gpu.failure = bench.cpu.failure = RuntimeError("100 samples leave 0 frames: two are needed")
    with pytest.raises(RuntimeError, match="two are needed"):
        bench.engine.embed(WINDOWS)
    assert bench.engine.lost == ""
    bench.cpu.failure = EmbedError("set a larger windows.length_s")
    with pytest.raises(EmbedError, match="larger"):
        bench.engine.warm_up(16, 1)


def test_a_mistake_of_ours_is_not_taken_for_a_device() -> None:
    bench = Bench()
    bench.gpu.failure = TypeError("no")
    with pytest.raises(TypeError):
        bench.engine.embed(WINDOWS)


def test_a_device_that_is_full_at_warm_up_is_replaced_at_once() -> None:
    bench = Bench()
    bench.gpu.failure = FULL
    bench.engine.warm_up(16, 1)
    assert bench.cpu.warmed == [(16, 1)]
    assert bench.engine.changes() == [Change(IN_PLACE, str(FULL))]


def test_memory_of_a_device_that_is_gone_need_not_be_released() -> None:
    bench = Bench()

    def refuse() -> None:
        raise GONE

    engine = Degrading(lambda: bench.gpu, bench.cpu, refuse, clock=lambda: 0.0, start=bench.attempts.append)
    bench.gpu.failure = GONE
    assert engine.embed(WINDOWS)[0, 0] == 2.0


def test_opening_again_does_not_stop_the_engine() -> None:
    """With a real thread, which is held."""
    may_open, opened = threading.Event(), threading.Event()
    gpu, now_s = Fake("gpu", 1.0), [0.0]
    times = itertools.count()

    def open_gpu() -> Fake:
        if next(times) > 0:
            assert may_open.wait(WITHIN_S)
        return gpu

    def start(attempt: Callable[[], None]) -> None:
        def attempt_then_tell() -> None:
            attempt()
            opened.set()

        in_a_thread(attempt_then_tell)

    engine = Degrading(open_gpu, Fake("cpu", 2.0), clock=lambda: now_s[0], start=start)
    assert isinstance(engine, Degradable)
    gpu.failure = GONE
    engine.embed(WINDOWS)
    gpu.failure = None
    now_s[0] = FIRST_PAUSE_S
    assert engine.embed(WINDOWS)[0, 0] == 2.0
    assert not opened.is_set()
    may_open.set()
    assert opened.wait(WITHIN_S)
    assert engine.embed(WINDOWS)[0, 0] == 1.0


def test_the_log_tells_of_loss_and_return(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    with caplog.at_level(logging.INFO):
        bench.lose()
        bench.mend()
        bench.pass_s(FIRST_PAUSE_S)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert caplog.records[-1].getMessage() == "gpu computes again, after 5 s"
