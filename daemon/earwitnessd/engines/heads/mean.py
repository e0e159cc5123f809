"""No head: the mean of the transformer's frames, which nobody has trained to tell voices apart."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from earwitnessd.engines.architecture import Architecture
from earwitnessd.engines.heads.parts import Head
from earwitnessd.engines.heads.shapes import Named


class MeanHead(Head):
    """That of a bare WavLM."""

    last = None

    def __init__(self, architecture: Architecture, _weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.vector_size = architecture.hidden_size

    def forward(self, frames: Tensor, _waves: Tensor) -> Tensor:
        """(batch, frames, hidden) to (batch, hidden)."""
        return frames.to(torch.promote_types(frames.dtype, torch.float32)).mean(1)


def shapes(_architecture: Architecture) -> Named:
    """It has no weights."""
    return iter(())
