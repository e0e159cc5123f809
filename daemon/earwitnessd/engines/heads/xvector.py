"""The x-vector head: dilated layers, mean and deviation, and a last product."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitnessd.engines.architecture import Architecture
from earwitnessd.engines.heads.parts import Dilated, Head
from earwitnessd.engines.heads.shapes import Named, dense
from earwitnessd.engines.products import Dense


class XVectorHead(Head):
    """That of a WavLMForXVector, without the classifier that only training needs."""

    last: Dense

    def __init__(self, architecture: Architecture, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.vector_size = architecture.xvector_output_dim
        self.projector = Dense(weights["projector.weight"], weights["projector.bias"])
        shapes = zip(architecture.tdnn_kernel, architecture.tdnn_dilation, strict=True)
        self.layers = nn.ModuleList(
            Dilated(_rectified(weights, f"tdnn.{number}.kernel"), taps, dilation)
            for number, (taps, dilation) in enumerate(shapes)
        )
        self.last = Dense(weights["feature_extractor.weight"], weights["feature_extractor.bias"])

    def forward(self, frames: Tensor, _waves: Tensor) -> Tensor:
        """(batch, frames, hidden) to (batch, xvector_output_dim)."""
        frames = self.projector(frames)
        for layer in self.layers:
            frames = layer(frames)
        precise = frames.to(torch.promote_types(frames.dtype, torch.float32))
        mean = precise.mean(1)
        # torch.std goes through an axis that is not the last one ten times as slowly
        squares = (precise - mean.unsqueeze(1)).square().sum(1)
        deviation = (squares / (precise.shape[1] - 1)).sqrt()
        vector: Tensor = self.last(torch.cat([mean, deviation], -1))
        return vector


def shapes(a: Architecture) -> Named:
    """Its weights."""
    yield from dense("projector", a.hidden_size, a.tdnn_dim[0])
    for number, (inputs, outputs) in enumerate(pairwise((a.tdnn_dim[0], *a.tdnn_dim))):
        yield from dense(f"tdnn.{number}.kernel", inputs * a.tdnn_kernel[number], outputs)
    yield from dense("feature_extractor", 2 * a.tdnn_dim[-1], a.xvector_output_dim)
    yield from dense("classifier", a.xvector_output_dim, a.xvector_output_dim)


def lost_frames(a: Architecture) -> int:
    """How many of the frames its layers take away at the edges."""
    return sum(
        (kernel - 1) * dilation for kernel, dilation in zip(a.tdnn_kernel, a.tdnn_dilation, strict=True)
    )


def _rectified(weights: Mapping[str, Tensor], name: str) -> Dense:
    return Dense(weights[f"{name}.weight"], weights[f"{name}.bias"], functional.relu)
