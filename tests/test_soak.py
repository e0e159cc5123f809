"""Three minutes of faults: what is allowed to grow does, and nothing else."""

from __future__ import annotations

import random
import sys

import pytest

from tests.daemon.conftest import tiny_model
from tests.faults.compiled import why_not
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


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux" or bool(why_not()), reason=why_not() or "looks into /proc")
def test_three_minutes_with_a_fault_every_four_seconds_are_flat(tiny_model: str) -> None:
    verdict = judge(Soak(Plan(minutes=3.0, streams=3, fault_every_s=4.0, model=tiny_model)).run())
    print(table(verdict))
    assert verdict.objections == []
    assert sum(verdict.faults.values()) > 20
