"""Speech as what stands out of the room's noise floor: costs next to nothing, fooled by any loud sound."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from earwitnessd.speech.chunks import Chunker
from earwitnessd.speech.gate import Probabilities, Samples

CHUNK_SAMPLES = 512
FLOOR_MEMORY_CHUNKS = 94
# 3 s: nobody speaks so long without a pause, and a fan that starts is forgotten after it
QUIETEST_DBFS = -60.0
# a floor is never taken to be lower, or the last bit of a silent line would be speech
MARGIN_DB = 9.0
# this far above the floor is speech with probability one half
SLOPE_DB = 2.0


class EnergyGate:
    """One stream's noise floor: the quietest chunk of the last seconds; belongs to the engine thread."""

    def __init__(self) -> None:
        self.chunk_samples = CHUNK_SAMPLES
        self._chunker = Chunker(CHUNK_SAMPLES)
        self._levels_dbfs: deque[float] = deque(maxlen=FLOOR_MEMORY_CHUNKS)
        self._floor_dbfs = math.inf

    def push(self, samples: Samples) -> Probabilities:
        """The probability of speech in every chunk that these samples complete."""
        chunks = self._chunker.push(samples)
        squares = np.einsum("ij,ij->i", chunks, chunks).tolist()
        return np.array([self._judge(square / CHUNK_SAMPLES) for square in squares], dtype=np.float32)

    def reset(self) -> None:
        """Drop the incomplete chunk; the room is still the same, so its floor stays."""
        self._chunker.reset()

    def _judge(self, power: float) -> float:
        if not math.isfinite(power):
            return 0.0
        level_dbfs = 10.0 * math.log10(max(power, 1e-12))
        floor_dbfs = max(QUIETEST_DBFS, self._floor_with(level_dbfs))
        return 1.0 / (1.0 + math.exp(-(level_dbfs - floor_dbfs - MARGIN_DB) / SLOPE_DB))

    def _floor_with(self, level_dbfs: float) -> float:
        """The quietest so far; all are looked through again only when the quietest is forgotten."""
        levels = self._levels_dbfs
        forgotten_dbfs = levels[0] if len(levels) == levels.maxlen else math.inf
        levels.append(level_dbfs)
        forgets = forgotten_dbfs <= self._floor_dbfs < level_dbfs
        self._floor_dbfs = min(levels) if forgets else min(self._floor_dbfs, level_dbfs)
        return self._floor_dbfs
