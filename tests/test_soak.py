"""Three minutes of faults: what is allowed to grow does, and nothing else."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable

import pytest

from tests.daemon.conftest import tiny_model
from tests.faults.compiled import why_not
from tests.soaking.made_up import diary
from tests.soaking.soak import Plan, Soak
from tests.soaking.trend import trend
from tests.soaking.verdict import judge, table

__all__ = ["tiny_model"]


def test_a_line_that_rises_is_told_from_noise_that_does_not() -> None:
    noise = random.Random(5)
    times_s = [float(second) for second in range(600)]
    flat = trend(times_s, [100.0 + noise.gauss(0.0, 3.0) for _ in times_s])
    assert flat.at_least < 0.0 < flat.at_most
    assert flat.bound < 2.0
    rising = trend(times_s, [100.0 + at_s / 60 + noise.gauss(0.0, 3.0) for at_s in times_s])
    assert rising.at_least > 7.0
    assert rising.growth == pytest.approx(9.2, abs=1.0)  # between the middles of the first and the last block


def judged(minutes: float, in_use_mb: Callable[[float], float]) -> list[str]:
    noise = random.Random(7)
    made = diary(minutes, lambda at_s: 250.0 + in_use_mb(at_s) + noise.gauss(0.0, 0.1), lambda _: 270.0)
    return judge(made).objections


def test_a_megabyte_a_minute_is_a_leak_within_three_minutes() -> None:
    assert ["memory in use grows" in each for each in judged(3.0, lambda at_s: at_s / 60)] == [True]


def test_a_leak_in_rare_large_pieces_is_one_too() -> None:
    assert judged(3.0, lambda at_s: at_s // 40 * 0.67)


def test_what_leaks_slowly_is_seen_within_an_hour() -> None:
    assert judged(60.0, lambda at_s: 0.2 * at_s / 60)


def test_noise_is_no_leak() -> None:
    swinging = random.Random(3)
    assert judged(3.0, lambda _: 0.0) == []
    assert judged(3.0, lambda _: swinging.uniform(-0.5, 0.5)) == []
    assert judged(60.0, lambda _: swinging.uniform(-0.5, 0.5)) == []


def test_what_fills_up_and_then_stays_is_no_leak() -> None:
    assert judged(3.0, lambda at_s: min(at_s / 60, 0.6)) == []
    assert judged(3.0, lambda at_s: 1.0 if at_s > 100 else 0.0) == []
    assert judged(60.0, lambda at_s: 4.0 * (1.0 - math.exp(-at_s / 300))) == []


def test_one_large_piece_that_is_never_given_back_is_told() -> None:
    assert ["memory in use" in each for each in judged(3.0, lambda at_s: 6.0 if at_s > 100 else 0.0)] == [
        True
    ]


def test_what_is_resident_may_have_holes_but_only_so_many() -> None:
    def resident(grows_mb: float) -> list[str]:
        return judge(diary(3.0, lambda _: 250.0, lambda at_s: 270.0 + grows_mb * at_s / 160)).objections

    assert resident(6.0) == []
    assert ["memory at rest" in each for each in resident(25.0)] == [True]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux" or bool(why_not()), reason=why_not() or "looks into /proc")
def test_three_minutes_with_a_fault_every_four_seconds_are_flat(tiny_model: str) -> None:
    verdict = judge(Soak(Plan(minutes=3.0, streams=3, fault_every_s=4.0, model=tiny_model)).run())
    print(table(verdict))
    assert verdict.objections == []
    assert sum(verdict.faults.values()) > 20
