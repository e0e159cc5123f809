"""A whole WavLM with its head for windows of one length, rearranged to compute the same with less work."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from earwitnessd.engines.architecture import Architecture
from earwitnessd.engines.encoder import Encoder
from earwitnessd.engines.features import Features
from earwitnessd.engines.heads import HEADS

LEAST_POOLED_FRAMES = 2  # a deviation needs two


class Network(nn.Module):
    """Samples to what the head makes of them; nothing of it can be trained."""

    def __init__(self, architecture: Architecture, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        kind = HEADS[architecture.family]
        self.architecture = architecture
        self.lost_frames = kind.lost_frames(architecture)
        self.features = Features(architecture, weights)
        self.encoder = Encoder(architecture, weights)
        self.head = kind.build(architecture, weights)

    @property
    def vector_size(self) -> int:
        """How many numbers an embedding has."""
        return self.head.vector_size

    def forward(self, waves: Tensor) -> Tensor:
        """(batch, samples) to (batch, vector size), not normalised; a head of frames keeps them apart."""
        left = self.architecture.frames(waves.shape[1]) - self.lost_frames
        if left < LEAST_POOLED_FRAMES:
            raise RuntimeError(f"{waves.shape[1]} samples leave {max(0, left)} frames: two are needed")
        vectors: Tensor = self.head(self.hear(waves), waves)
        return vectors

    def hear(self, waves: Tensor) -> Tensor:
        """(batch, samples) to (batch, frames, hidden): what the head is given."""
        frames: Tensor = self.encoder(self.features(waves))
        return frames
