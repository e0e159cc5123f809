"""Layers of the transformer, computed by the kernels from end to end."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitnessd.engines.amx.kernels import Kernels
from earwitnessd.engines.amx.planes import BLOCK, Planes
from earwitnessd.engines.amx.tiled import TiledDense
from earwitnessd.engines.encoder import Layer
from earwitnessd.engines.products import Norm


class TiledLayer(nn.Module):
    """A `Layer` of the encoder; what is added to its inputs and normalised goes from kernel to kernel."""

    def __init__(self, layer: Layer, kernels: Kernels, parts: int) -> None:
        super().__init__()
        attention = layer.attention
        self._kernels = kernels
        self._parts = parts
        self._norms_first = layer.norms_first
        self._head_size = attention.head_size
        self._gate_scale = attention.gate_scale
        self._project = TiledDense(attention.project, kernels, parts)
        self._merge = TiledDense(attention.merge, kernels, parts)
        self._widen = TiledDense(layer.widen, kernels, parts)
        self._narrow = TiledDense(layer.narrow, kernels, parts)
        self._attention_norm, self._output_norm = layer.attention_norm, layer.output_norm

    def forward(self, hidden: Tensor, bias: Tensor) -> Tensor:
        """(batch, frames, hidden) and (heads, frames, frames) to the first's shape."""
        rows = hidden.reshape(1, -1, hidden.shape[-1])
        if self._norms_first:
            _, normal = self._normalised(self._attention_norm, rows, keep=False)
            rows = self._merge.floats(self._heard(normal, hidden, bias), rows)
            _, normal = self._normalised(self._output_norm, rows, keep=False)
            rows = self._narrow.floats(self._widen.planes(normal, self._parts), rows)
        else:
            planes = self._kernels.split(rows, self._parts)
            rows = self._merge.floats(self._heard(planes, hidden, bias), rows)
            rows, normal = self._normalised(self._attention_norm, rows, keep=True)
            rows = self._narrow.floats(self._widen.planes(normal, self._parts), rows)
            rows = self._output_norm(rows)
        return rows.view(hidden.shape)

    def _heard(self, planes: Planes, hidden: Tensor, bias: Tensor) -> Planes:
        projected = self._project.floats(planes)
        projected = projected.view(*hidden.shape[:2], projected.shape[-1])
        return self._kernels.attend(
            projected, _by_distance(bias), self._gate_scale, self._head_size, self._parts
        )

    def _normalised(self, norm: Norm, rows: Tensor, *, keep: bool) -> tuple[Tensor, Planes]:
        return self._kernels.normalise(rows, norm.weight, norm.bias, norm.epsilon, self._parts, keep=keep)


def _by_distance(bias: Tensor) -> Tensor:
    """(heads, frames, frames), which is the same along each diagonal, to (heads, distances and room)."""
    return functional.pad(torch.cat([bias[:, -1], bias[:, 0, 1:]], 1), (0, BLOCK))


def fits(layer: Layer) -> bool:
    """Whether the kernels compute it: heads in whole blocks, and an activation that they know."""
    return not layer.attention.head_size % BLOCK and layer.widen.activate is functional.gelu
