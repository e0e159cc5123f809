"""Overload: hops are skipped alike in all streams and counted, the newest counts, and nothing grows old."""

from __future__ import annotations

import numpy as np
import pytest

from earwitnessd.capture.messages import RATE

from ..voices import ANNA_HZ, room, talking
from .overload import BLOCK, HOP_S, LENGTH_S, SILENCE, Cost, Overload

HOP = round(HOP_S * RATE)
LENGTH = round(LENGTH_S * RATE)


def each(seconds: float) -> Cost:
    """A processor: twice the windows take twice the time."""
    return lambda windows: seconds * windows


def like_a_gpu(windows: int) -> float:
    """Mostly the launching of it."""
    return 0.2 + 0.001 * windows


def overload(cost: Cost, streams: int, *, max_lag_s: float = 2.0, seed: int = 1) -> Overload:
    """So many people speak without a pause; the streams' clocks are not alike."""
    made = Overload(cost, max_lag_s)
    random = np.random.default_rng(seed)
    for _ in range(streams):
        made.add(late=int(random.integers(0, HOP)))
    return made


def complete(position: int) -> int:
    """Windows that a stream has had."""
    return max(0, (position - LENGTH) // HOP + 1)


@pytest.mark.parametrize(("cost", "streams"), [(each(0.1), 4), (each(0.45), 1), (like_a_gpu, 12)])
def test_an_engine_that_keeps_up_skips_nothing(cost: Cost, streams: int) -> None:
    room_ = overload(cost, streams)
    room_.run(30.0)
    for stream in room_.streams:
        stops = [window.stop for window in room_.of(stream)]
        assert stops == list(range(LENGTH, stops[-1] + 1, HOP))
        assert stream.hearing.counters.windows_skipped == 0
    assert not room_.turns.behind


def test_all_that_is_due_is_one_batch() -> None:
    room_ = Overload(each(0.001))
    for _ in range(12):
        room_.add()
    room_.run(10.0)
    assert {len(batch) for batch in room_.batches} == {12}


@pytest.mark.parametrize(
    ("cost", "streams"),
    [
        (each(0.55), 1),
        (each(2.5), 1),
        (each(0.3), 2),
        (each(0.14), 4),
        (each(0.2), 10),
        (each(0.7), 7),
        (each(0.04), 20),
        (lambda windows: 0.6 + 0.01 * windows, 8),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_under_overload_all_streams_lose_alike_and_nothing_grows_old(
    cost: Cost, streams: int, seed: int
) -> None:
    room_ = overload(cost, streams, seed=seed)
    room_.run(45.0)
    heard = [room_.of(stream) for stream in room_.streams]
    counts = [len(windows) for windows in heard]
    assert max(counts) - min(counts) <= 4
    for stream, windows in zip(room_.streams, heard, strict=True):
        stops = [window.stop for window in windows]
        assert stops == sorted(set(stops)), "in order, and none twice"
        counted = len(windows) + stream.hearing.counters.windows_skipped + stream.hearing.due
        assert counted == complete(stream.hearing.position), "each window is embedded, counted or still due"
    largest = max(cost(len(batch)) for batch in room_.batches)
    assert max(window.age_s for window in room_.embedded) <= 2.0 + HOP_S + 2 * largest, "always"
    settled = [window for window in room_.embedded if window.done_s > 30.0]
    oldest_s = max(window.age_s for window in settled)
    assert oldest_s <= 2 * (HOP_S + largest), "and soon much less, however many streams there are"


def test_a_stream_that_was_gone_for_an_hour_and_one_that_is_new_get_no_more_turns_than_others() -> None:
    room_ = overload(each(0.3), 4)
    room_.run(10.0)
    gone = room_.streams[0]
    gone.hearing.on_message(gone.mouth.lost(3600 * RATE), None)
    gone.late -= 3600 * RATE
    room_.add(late=round(room_.now_s * RATE))
    room_.run(30.0)
    counts = [sum(window.done_s > 15.0 for window in room_.of(stream)) for stream in room_.streams]
    assert max(counts) - min(counts) <= 4


@pytest.mark.parametrize("streams", [2, 5, 16])
def test_under_overload_each_stream_is_heard_at_even_distances(streams: int) -> None:
    room_ = overload(each(0.4), streams)
    room_.run(40.0)
    for stream in room_.streams:
        stops = [window.stop for window in room_.of(stream) if window.done_s > 20.0]
        hops = np.diff(stops) // HOP
        expected = 0.4 * streams / HOP_S
        assert 0.75 * expected - 1 <= hops.min() <= hops.max() <= 1.25 * expected + 1


def test_under_overload_the_newest_window_of_each_stream_wins() -> None:
    room_ = overload(each(2.5), 1)
    (stream,) = room_.streams
    room_.run(40.0)
    for before, after in zip(room_.batches[8:], room_.batches[9:], strict=False):
        (window,) = after
        heard = (round(before[0].done_s * RATE) - stream.late) // BLOCK * BLOCK
        assert heard - window.stop < HOP


def test_as_many_windows_are_embedded_as_the_engine_can() -> None:
    room_ = overload(each(0.25), 7)
    room_.run(40.0)
    assert len(room_.embedded) == pytest.approx((40.0 - LENGTH_S) / 0.25, rel=0.03)


def test_after_a_hiccup_what_may_wait_is_embedded_and_the_rest_counted() -> None:
    room_ = overload(each(0.01), 3)
    room_.run(10.0)
    room_.now_s += 3.1  # something else had the processor
    room_.run(20.0)
    for stream in room_.streams:
        assert stream.hearing.counters.windows_skipped in {2, 3}
    assert not room_.turns.behind


def test_a_hiccup_shorter_than_the_allowed_lag_costs_nothing() -> None:
    room_ = overload(each(0.01), 3)
    room_.run(10.0)
    room_.now_s += 1.7
    room_.run(20.0)
    assert [stream.hearing.counters.windows_skipped for stream in room_.streams] == [0, 0, 0]


def test_when_the_overload_is_over_no_window_is_skipped_any_more() -> None:
    seconds = [0.4]
    room_ = overload(lambda windows: seconds[0] * windows, 4)
    room_.run(20.0)
    assert sum(stream.hearing.counters.windows_skipped for stream in room_.streams)
    seconds[0] = 0.05
    room_.run(22.0)
    before = [stream.hearing.counters.windows_skipped for stream in room_.streams]
    room_.run(40.0)
    assert not room_.turns.behind
    assert [stream.hearing.counters.windows_skipped for stream in room_.streams] == before


def test_silent_windows_are_never_embedded_and_take_nobodys_turn() -> None:
    room_ = Overload(each(0.3))
    silent = [room_.add(SILENCE, late=100 * number) for number in range(6)]
    speaking = room_.add()
    room_.run(30.0)
    assert all(room_.of(stream) == [] for stream in silent)
    assert all("too_little_speech" in window.reasons for window in room_.silent)
    assert speaking.hearing.counters.windows_skipped == 0
    assert all(stream.hearing.counters.windows_skipped == 0 for stream in silent)


def test_one_who_begins_to_speak_is_heard_at_once_although_others_never_stop() -> None:
    room_ = overload(each(0.4), 4)
    late = room_.add(np.concatenate([room(20.0), talking(ANNA_HZ, 20.0)]))
    room_.run(30.0)
    first = room_.of(late)[0]
    assert first.stop / RATE == pytest.approx(20.0 + LENGTH_S, abs=1.0)
    assert first.age_s < 2.0


def test_a_batch_fits_into_a_hop() -> None:
    room_ = overload(each(0.12), 20)
    room_.run(30.0)
    assert {len(batch) for batch in room_.batches[5:]} == {4}


@pytest.mark.parametrize(("cost_s", "most_skipped"), [(0.004, 0), (0.012, None)])
def test_of_64_streams_one_that_floods_takes_nothing_from_the_others(
    cost_s: float, most_skipped: int | None
) -> None:
    calm, flooded = overload(each(cost_s), 64), overload(each(cost_s), 63)
    flood = flooded.add(pace=8.0)
    calm.run(16.0)
    flooded.run(16.0)
    others = [len(flooded.of(stream)) for stream in flooded.streams if stream is not flood]
    alone = [len(calm.of(stream)) for stream in calm.streams]
    assert min(others) >= 0.9 * min(alone)
    assert max(others) - min(others) <= 4
    skipped = sum(each.hearing.counters.windows_skipped for each in flooded.streams if each is not flood)
    if most_skipped is not None:
        assert skipped <= most_skipped
    else:
        assert max(sum(window.stream == "s63" for window in batch) for batch in flooded.batches[-8:]) == 1
        assert max(window.age_s for window in flooded.embedded if window.stream != "s63") < 3.5
