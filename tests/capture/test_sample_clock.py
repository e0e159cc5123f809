from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from earwitnessd.capture.sample_clock import SampleClock

RATE = 48_000
BLOCK = 1536  # 32 ms


def blocks(
    duration_s: float, *, drift: float = 0.0, burst: int = 1, jitter_s: float = 0.0
) -> Iterator[float]:
    """When each block arrives: `burst` at a time, up to `jitter_s` late."""
    noise = np.random.default_rng(7)
    count = int(duration_s * RATE / BLOCK)
    at_s = 100.0
    for index in range(1, count + 1):
        due_s = 100.0 + -(-index // burst) * burst * BLOCK / RATE * (1.0 + drift)
        at_s = max(at_s + 1e-4, due_s + noise.uniform(0.0, jitter_s))
        yield at_s


def lost_in(times_s: list[float]) -> list[tuple[float, int]]:
    """Feed the clock with a block at each time: when it found a loss, of how many frames."""
    clock = SampleClock(RATE, buffered_s=0.5)
    lost = 0
    found = []
    for index, at_s in enumerate(times_s):
        if more := clock.on_samples((index + 1) * BLOCK + lost, at_s):
            lost += more
            found.append((at_s, more))
    return found


def without(times_s: list[float], first: int, count: int) -> list[float]:
    """The same device, but so many blocks never came."""
    return times_s[:first] + times_s[first + count :]


@pytest.mark.parametrize("drift", [-200e-6, 0.0, 200e-6])
@pytest.mark.parametrize("burst", [1, 5])
def test_an_hour_of_drift_and_jitter_is_not_loss(drift: float, burst: int) -> None:
    assert lost_in(list(blocks(3600.0, drift=drift, burst=burst, jitter_s=0.03))) == []


def test_a_backlog_after_a_stall_is_late_not_lost() -> None:
    times_s = list(blocks(30.0, jitter_s=0.005))
    stalled = [
        max(at_s, 110.0 + 1.8 + (index - 310) * 0.004) if at_s > 110.0 else at_s
        for index, at_s in enumerate(times_s)
    ]
    assert lost_in(stalled) == []


def test_a_backlog_that_is_worked_off_slowly_is_late_not_lost() -> None:
    times_s = list(blocks(60.0, jitter_s=0.005))
    late_s = 1.0  # after 10 s, made good at one tenth faster than real time
    slow = [at_s + max(0.0, late_s - (at_s - 110.0) * 0.1) if at_s > 110.0 else at_s for at_s in times_s]
    assert all(later > sooner for sooner, later in pairwise(slow))
    assert lost_in(slow) == []


@pytest.mark.parametrize("burst", [1, 5])
@pytest.mark.parametrize("missing", [5, 20, 60])
def test_samples_that_never_come_are_lost_once_and_measured(missing: int, burst: int) -> None:
    times_s = without(list(blocks(60.0, burst=burst, jitter_s=0.01)), 600, missing)
    ((found_s, lost),) = lost_in(times_s)
    assert found_s - times_s[600] < 2.0
    assert lost / RATE == pytest.approx(missing * BLOCK / RATE, abs=0.17 if burst > 1 else 0.015)


def test_each_loss_is_found() -> None:
    times_s = without(without(list(blocks(60.0, jitter_s=0.01)), 600, 10), 1200, 10)
    assert [round(lost / BLOCK) for _, lost in lost_in(times_s)] == [10, 10]


def test_a_flag_of_the_driver_lowers_the_tolerance_and_always_marks_the_place() -> None:
    clock = SampleClock(RATE, buffered_s=0.1)
    lost: list[int] = []
    times_s = without(list(blocks(20.0)), 200, 1)
    for index, at_s in enumerate(times_s):
        if index == 200:
            clock.flag()
        if index == 400:
            clock.flag()
        lost += [more] if (more := clock.on_samples((index + 1) * BLOCK + sum(lost), at_s)) else []
    assert lost == [pytest.approx(BLOCK, abs=2), 1]


def test_the_lag_is_measured_from_the_best_there_was() -> None:
    clock = SampleClock(RATE, buffered_s=0.1)
    assert clock.lag_s(99.0) == 0.0
    at_s = 100.0
    for index, at_s in enumerate(blocks(5.0)):
        clock.on_samples((index + 1) * BLOCK, at_s)
    assert clock.lag_s(at_s) == pytest.approx(0.0, abs=0.001)
    assert clock.lag_s(at_s + 0.7) == pytest.approx(0.7, abs=0.001)
