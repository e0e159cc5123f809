"""From the transformer's frames to one vector: dilated layers, mean and deviation, and a last product."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitnessd.engines.architecture import Architecture
from earwitnessd.engines.products import Dense


class Dilated(nn.Module):
    """A product with frames that stand `dilation` apart, all of them side by side."""

    def __init__(self, dense: Dense, taps: int, dilation: int) -> None:
        super().__init__()
        self.dense = dense
        self.taps, self.dilation = taps, dilation

    def forward(self, frames: Tensor) -> Tensor:
        """(batch, frames, inputs) to (batch, less frames, outputs)."""
        if self.taps > 1:
            left = frames.shape[1] - (self.taps - 1) * self.dilation
            starts = range(0, self.taps * self.dilation, self.dilation)
            frames = torch.cat([frames[:, start : start + left] for start in starts], -1)
        outputs: Tensor = self.dense(frames)
        return outputs


class Head(nn.Module):
    """The x-vector head, without the classifier that only training needs."""

    def __init__(self, architecture: Architecture, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.projector = Dense(weights["projector.weight"], weights["projector.bias"])
        shapes = zip(architecture.tdnn_kernel, architecture.tdnn_dilation, strict=True)
        self.layers = nn.ModuleList(
            Dilated(_rectified(weights, f"tdnn.{number}.kernel"), taps, dilation)
            for number, (taps, dilation) in enumerate(shapes)
        )
        self.last = Dense(weights["feature_extractor.weight"], weights["feature_extractor.bias"])

    def forward(self, frames: Tensor) -> Tensor:
        """(batch, frames, hidden) to (batch, xvector_output_dim)."""
        frames = self.projector(frames)
        for layer in self.layers:
            frames = layer(frames)
        precise = frames.to(torch.promote_types(frames.dtype, torch.float32))
        deviation, mean = torch.std_mean(precise, 1)
        vector: Tensor = self.last(torch.cat([mean, deviation], -1))
        return vector


def _rectified(weights: Mapping[str, Tensor], name: str) -> Dense:
    return Dense(weights[f"{name}.weight"], weights[f"{name}.bias"], functional.relu)
