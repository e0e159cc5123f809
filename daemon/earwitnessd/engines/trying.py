"""Tries a model on recorded speech: can it be relied on, and how many streams does it carry?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

import numpy as np
import numpy.typing as npt

from earwitnessd.engines import Compute
from earwitnessd.engines.speech import speech_windows

_BATCH = 4
_ROUNDS = 5
_ENOUGH_S = 4.0  # of measuring; a large model gets fewer rounds
_SAME = 1e-4  # a component's largest difference, in parts of the largest component


@dataclass(frozen=True, slots=True)
class Tried:
    """What came out."""

    finite: bool
    deterministic: bool
    # twice the same, and alike whatever else is in the batch
    window_ms: float
    # a window in a batch of them
    streams: int
    # whose windows it embeds in time, if it is given the whole machine as it is now

    @property
    def fine(self) -> bool:
        """Whether it can be used."""
        return self.finite and self.deterministic


def try_out(compute: Compute, window_samples: int, hop_s: float) -> Tried:
    """Embed a few windows of speech in several ways, and measure."""
    windows = speech_windows(_BATCH, window_samples)
    first = compute(windows)
    finite = bool(np.isfinite(first).all())
    alike = finite and _same(compute(windows), first) and _same(compute(windows[:1]), first[:1])
    window_s = _batch_s(compute, windows) / _BATCH
    return Tried(finite, alike, 1000 * window_s, int(hop_s / window_s))


def _same(found: npt.NDArray[np.float32], expected: npt.NDArray[np.float32]) -> bool:
    return float(np.abs(found - expected).max()) <= _SAME * float(np.abs(expected).max())


def _batch_s(compute: Compute, windows: npt.NDArray[np.float32]) -> float:
    taken_s = list[float]()
    while len(taken_s) < _ROUNDS and sum(taken_s) < _ENOUGH_S:
        began_s = time.perf_counter()
        compute(windows)
        taken_s.append(time.perf_counter() - began_s)
    return median(taken_s)
