"""How many events there might as well have been: exact intervals of counts."""

from __future__ import annotations

import math
from collections.abc import Callable

TAIL = 0.025
STEPS = 80  # of bisection


def poisson_interval(count: int) -> tuple[float, float]:
    """Bounds (95 %) of the expected number of events, of which so many were counted (Garwood's)."""
    most = 2.0 * count + 20.0
    high = _where(lambda mean: _at_most(count, mean) < TAIL, most)
    low = _where(lambda mean: 1.0 - _at_most(count - 1, mean) > TAIL, most) if count else 0.0
    return low, high


def _at_most(count: int, mean: float) -> float:
    """The probability of no more than this many events."""
    return math.fsum(
        math.exp(each * math.log(mean) - mean - math.lgamma(each + 1)) for each in range(count + 1)
    )


def _where(holds: Callable[[float], bool], most: float) -> float:
    """The least mean for which it holds, and for all above."""
    low, high = 0.0, most
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
