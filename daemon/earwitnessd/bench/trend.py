"""Whether a figure that was taken over time grows: a straight line through it, and how sure that is."""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

Series = npt.NDArray[np.float64]
Verdict = Literal["flat", "grows", "undecided"]

BLOCKS = 20
# neighbouring samples say the same: so many stretches count as independent
STUDENT_975 = 2.101
# two-sided 95 % with BLOCKS - 2 degrees of freedom
FLAT_MB_PER_H = 1.0


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """A straight line, with its slope's 95 % confidence interval."""

    first_mb: float
    last_mb: float
    # the line at both ends
    most_mb: float
    # at any moment
    mb_per_h: float
    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        """Flat: surely less than 1 MB an hour; undecided: measure for longer."""
        if self.low > FLAT_MB_PER_H:
            return "grows"
        return "flat" if self.high <= FLAT_MB_PER_H else "undecided"


def trend(at_s: Series, mb: Series) -> Trend:
    """By least squares over the medians of stretches of equal length.

    A moment just after free memory was given back, or within a large batch, moves no median.
    """
    if len(at_s) < BLOCKS:
        raise ValueError(f"{len(at_s)} samples: a trend needs at least {BLOCKS}")
    hours = np.array([block.mean() for block in np.array_split(at_s / 3600.0, BLOCKS)])
    medians = np.array([np.median(block) for block in np.array_split(mb, BLOCKS)])
    around = hours - hours.mean()
    spread = float(around @ around)
    slope = float(around @ medians) / spread
    rest = medians - medians.mean() - slope * around
    margin = STUDENT_975 * math.sqrt(float(rest @ rest) / (BLOCKS - 2) / spread)
    first_mb, last_mb = (float(medians.mean() + slope * around[end]) for end in (0, -1))
    return Trend(
        first_mb=first_mb,
        last_mb=last_mb,
        most_mb=float(mb.max()),
        mb_per_h=slope,
        low=slope - margin,
        high=slope + margin,
    )
