"""A whole WavLMForXVector for windows of one length, rearranged to compute the same with less work."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from earwitnessd.engines.architecture import Architecture
from earwitnessd.engines.encoder import Encoder
from earwitnessd.engines.features import Features
from earwitnessd.engines.head import Head

LEAST_POOLED_FRAMES = 2  # a deviation needs two


class XVectorNetwork(nn.Module):
    """Samples to x-vectors; nothing of it can be trained."""

    def __init__(self, architecture: Architecture, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.architecture = architecture
        self.features = Features(architecture, weights)
        self.encoder = Encoder(architecture, weights)
        self.head = Head(architecture, weights)

    def forward(self, waves: Tensor) -> Tensor:
        """(batch, samples) to (batch, xvector_output_dim), not normalised."""
        left = self.architecture.pooled_frames(waves.shape[1])
        if left < LEAST_POOLED_FRAMES:
            raise RuntimeError(f"{waves.shape[1]} samples leave {max(0, left)} frames: two are needed")
        vectors: Tensor = self.head(self.encoder(self.features(waves)))
        return vectors
