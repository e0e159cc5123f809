"""Blocks of any size cut into chunks of one size."""

from __future__ import annotations

import numpy as np

from earwitnessd.speech.gate import Samples


class Chunker:
    """Keeps what is left of a block until the next one completes it."""

    def __init__(self, chunk_samples: int) -> None:
        self.chunk_samples = chunk_samples
        self._rest: Samples = np.empty(0, dtype=np.float32)

    def push(self, samples: Samples) -> Samples:
        """All chunks completed by these samples, one a row."""
        waiting = np.concatenate([self._rest, samples.astype(np.float32, copy=False)])
        complete = len(waiting) // self.chunk_samples * self.chunk_samples
        self._rest = waiting[complete:].copy()
        return waiting[:complete].reshape(-1, self.chunk_samples)

    def reset(self) -> None:
        """Drop the incomplete chunk."""
        self._rest = np.empty(0, dtype=np.float32)
