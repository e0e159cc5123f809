"""What hears speech: one probability a chunk."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]  # (N,) at 16 kHz
Probabilities = npt.NDArray[np.float32]  # (chunks,) from 0 to 1


class SpeechGate(Protocol):
    """One stream's ear for speech; belongs to the engine thread."""

    @property
    def chunk_samples(self) -> int:
        """How many samples one probability speaks for."""

    def push(self, samples: Samples) -> Probabilities:
        """The probability of speech in every chunk that these samples complete; the rest waits for more."""

    def reset(self) -> None:
        """Forget what was heard, after a gap; the next sample begins a chunk."""
