"""Whether what is in use goes on growing: the median rate between any two moments of rest. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

LEAST_RESTS = 6
Z_975 = 1.96


@dataclass(frozen=True, slots=True)
class Leak:
    """Of the measured time."""

    first_mb: float
    last_mb: float
    minutes: float
    # between these two
    rate: float
    # MB a minute: a step here and there does not move it, what goes on does
    at_least: float
    at_most: float
    # the rate, with 95 % confidence
    in_halves: tuple[float, float]
    # the same of either half of the time alone

    @property
    def growth_mb(self) -> float:
        """Of what goes on, in one half as in the other: what only fills up is no leak."""
        return min(self.rate, *self.in_halves) * self.minutes


def leak(times_s: Sequence[float], values_mb: Sequence[float]) -> Leak:
    """Theil and Sen's slope, and its bounds by Kendall's variance."""
    count = len(times_s)
    assert count >= LEAST_RESTS, f"{count} moments of rest: too few to tell a leak"
    rests = list(zip(times_s, values_mb, strict=True))
    rates = _rates(rests)
    spread = Z_975 * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    lower = max(0, math.floor((len(rates) - spread) / 2))
    upper = min(len(rates) - 1, math.ceil((len(rates) + spread) / 2))
    middle = count // 2
    return Leak(
        first_mb=values_mb[0],
        last_mb=values_mb[-1],
        minutes=(times_s[-1] - times_s[0]) / 60,
        rate=median(rates),
        at_least=rates[lower],
        at_most=rates[upper],
        in_halves=(median(_rates(rests[: middle + 1])), median(_rates(rests[middle:]))),
    )


def _rates(rests: Sequence[tuple[float, float]]) -> list[float]:
    """Between any two moments, MB a minute."""
    return sorted(60 * (b - a) / (later_s - at_s) for (at_s, a), (later_s, b) in combinations(rests, 2))
