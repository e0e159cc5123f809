"""Where a frame stands: a convolution added to the frames, and biases between every two of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from earwitnessd.engines.activations import activation
from earwitnessd.engines.architecture import Architecture
from earwitnessd.engines.layout import DIRECTIONS, LENGTHS, POSITIONAL
from earwitnessd.engines.products import Convolution, fixed

_REMEMBERED_LENGTHS = 4


class PositionalConvolution(nn.Module):
    """A long grouped convolution that keeps the number of frames."""

    def __init__(self, architecture: Architecture, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        taps = architecture.num_conv_pos_embeddings
        self.surplus = 1 - taps % 2  # an even number of taps gives a frame too many
        self.convolution = Convolution(
            _folded(weights[LENGTHS], weights[DIRECTIONS]),
            weights[f"{POSITIONAL}.bias"],
            activation(architecture.feat_extract_activation),
            padding=taps // 2,
            groups=architecture.num_conv_pos_embedding_groups,
        )

    def forward(self, frames: Tensor) -> Tensor:
        """(batch, frames, channels) to the same shape."""
        convolved: Tensor = self.convolution(frames)
        return convolved[:, : convolved.shape[1] - self.surplus]


def _folded(lengths: Tensor, directions: Tensor) -> Tensor:
    """The weight that is stored as a length and a direction for each tap."""
    exact = directions.double()
    norms = exact.square().sum((0, 1), keepdim=True).sqrt()
    return (exact * (lengths.double() / norms)).to(directions.dtype)


class RelativeBias(nn.Module):
    """What every frame adds to its attention to every other, by their distance."""

    def __init__(self, architecture: Architecture, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.values = fixed(weights["wavlm.encoder.layers.0.attention.rel_attn_embed.weight"])
        self.furthest = architecture.max_bucket_distance
        self._known: dict[tuple[int, torch.device, torch.dtype], Tensor] = {}

    def forward(self, frames: int) -> Tensor:
        """(heads, frames, frames): the row listens to the column; made once for a length."""
        frames = int(frames)  # a tracer hands over something else, which no dictionary knows
        key = (frames, self.values.device, self.values.dtype)
        if key not in self._known:
            while len(self._known) >= _REMEMBERED_LENGTHS:
                del self._known[next(iter(self._known))]
            self._known[key] = self._between(frames)
        return self._known[key]

    def _between(self, frames: int) -> Tensor:
        distances = torch.arange(1 - frames, frames)
        by_distance = self.values[buckets(distances, len(self.values), self.furthest).to(self.values.device)]
        positions = torch.arange(frames)
        steps = (positions - positions.unsqueeze(1) + frames - 1).to(self.values.device)
        return by_distance.T[:, steps].contiguous()


def buckets(distances: Tensor, count: int, furthest: int) -> Tensor:
    """Which bucket each distance is in: half of them hold positive ones; small ones have one each.

    In float32 on the CPU, step for step as transformers does it: a bucket's edge must not move.
    """
    half = count // 2
    alone = half // 2
    size = distances.abs()
    wide = torch.log(size.clamp(min=1).float() / alone) / math.log(furthest / alone) * (half - alone)
    shared = (alone + wide).long().clamp(max=half - 1)
    return torch.where(size < alone, size, shared) + (distances > 0).long() * half
