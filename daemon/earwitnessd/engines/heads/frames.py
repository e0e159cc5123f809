"""A product over each frame: how active each of a few speakers is in it."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from earwitnessd.engines.architecture import Architecture
from earwitnessd.engines.heads.parts import Head
from earwitnessd.engines.heads.shapes import Named, dense
from earwitnessd.engines.products import Dense


class FramesHead(Head):
    """That of a WavLMForAudioFrameClassification."""

    last: Dense

    def __init__(self, architecture: Architecture, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.vector_size = architecture.num_labels
        self.last = Dense(weights["classifier.weight"], weights["classifier.bias"])

    def forward(self, frames: Tensor, _waves: Tensor) -> Tensor:
        """(batch, frames, hidden) to (batch, frames, labels): log odds."""
        odds: Tensor = self.last(frames)
        return odds


def shapes(a: Architecture) -> Named:
    """Its weights."""
    yield from dense("classifier", a.hidden_size, a.num_labels)
