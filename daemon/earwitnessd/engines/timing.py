"""How many times as fast one way of computing is as another, by turns on the same windows."""

from __future__ import annotations

import statistics
import time

from earwitnessd.engines import Compute, Windows

_ROUNDS = 5
_PAUSE_S = 0.01  # before each: between windows the daemon sleeps, and finds caches and clocks as it wakes
_ENOUGH_S = 1.0  # of measuring; a large model gets fewer rounds


def gain(before: Compute, after: Compute, windows: Windows) -> float:
    """Of `after`, over `before`; medians. Both have computed before."""
    before_s, after_s = list[float](), list[float]()
    while len(before_s) < _ROUNDS and sum(before_s) + sum(after_s) < _ENOUGH_S:
        before_s.append(_seconds(before, windows))
        after_s.append(_seconds(after, windows))
    return statistics.median(before_s) / statistics.median(after_s)


def _seconds(compute: Compute, windows: Windows) -> float:
    time.sleep(_PAUSE_S)
    began_s = time.perf_counter()
    compute(windows)
    return time.perf_counter() - began_s
