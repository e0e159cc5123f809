"""Whether a figure grows: a straight line through block means, with a bound on its slope. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean

BLOCKS = 12
T_975 = 2.228  # Student's t for 10 degrees of freedom: two-sided 95 %


@dataclass(frozen=True, slots=True)
class Trend:
    """Over the measured time."""

    first: float
    # mean of the first block
    last: float
    growth: float
    # of the line, from the first block's middle to the last's
    bound: float
    # the growth is in growth ± bound with 95 % confidence
    hours: float

    @property
    def at_least(self) -> float:
        """What it has grown for certain."""
        return self.growth - self.bound

    @property
    def at_most(self) -> float:
        """What it may have grown."""
        return self.growth + self.bound


def trend(times_s: Sequence[float], values: Sequence[float]) -> Trend:
    """Neighbouring samples tell the same again, means of blocks hardly do: so many points there are."""
    assert len(values) >= BLOCKS, f"{len(values)} samples: too few for a trend"
    edges = [round(index * len(values) / BLOCKS) for index in range(BLOCKS + 1)]
    blocks = list(pairwise(edges))
    x = [mean(times_s[begin:end]) for begin, end in blocks]
    y = [mean(values[begin:end]) for begin, end in blocks]
    spread = sum((each - mean(x)) ** 2 for each in x)
    slope = sum((a - mean(x)) * (b - mean(y)) for a, b in zip(x, y, strict=True)) / spread
    residuals = [b - mean(y) - slope * (a - mean(x)) for a, b in zip(x, y, strict=True)]
    error = math.sqrt(sum(each * each for each in residuals) / (BLOCKS - 2) / spread)
    span_s = x[-1] - x[0]
    return Trend(y[0], y[-1], slope * span_s, T_975 * error * span_s, span_s / 3600)
