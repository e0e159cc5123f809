"""Dense layers and convolutions of a network, computed by the kernels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitnessd.engines.activations import Activation
from earwitnessd.engines.amx.kernels import GELU, LINEAR, Kernels, Layout
from earwitnessd.engines.amx.planes import LONGEST_STEP, Planes
from earwitnessd.engines.features import FirstGrouped
from earwitnessd.engines.products import Convolution, Dense


class TiledDense(nn.Module):
    """A `Dense`; the plain weight is gone."""

    def __init__(self, dense: Dense, kernels: Kernels, parts: int) -> None:
        super().__init__()
        self._kernels = kernels
        self._weight = kernels.pack(dense.weight[None, :, :, None], dense.bias, parts)
        self._fused, self._afterwards = fused(dense.activate)

    def forward(self, inputs: Tensor) -> Tensor:
        """(…, inputs) to (…, outputs)."""
        rows = inputs.reshape(1, -1, inputs.shape[-1])
        outputs = self.floats(self._kernels.split(rows, self._weight.parts))
        outputs = outputs if self._afterwards is None else self._afterwards(outputs)
        return outputs.view(*inputs.shape[:-1], self._weight.outputs)

    def floats(self, inputs: Planes, added: Tensor | None = None) -> Tensor:
        """(1, rows, outputs), without an activation that the kernels do not know."""
        return self._kernels.to_floats(inputs, self._weight, Layout(1, inputs.rows), self._fused, added)

    def planes(self, inputs: Planes, parts: int) -> Planes:
        """The same, in planes."""
        return self._kernels.to_planes(inputs, self._weight, Layout(1, inputs.rows), self._fused, parts)


class TiledConvolution(nn.Module):
    """A `Convolution`; the plain weight is gone."""

    def __init__(self, convolution: Convolution, kernels: Kernels, parts: int) -> None:
        super().__init__()
        outputs, inputs, _, taps = convolution.weight.shape
        self._kernels = kernels
        self._groups = convolution.groups
        self._step, self._padding = convolution.stride[1], convolution.padding[1]
        self._taps = taps
        weight = convolution.weight.view(self._groups, outputs // self._groups, inputs, taps)
        self._weight = kernels.pack(weight, convolution.bias, parts)
        self._fused, self._afterwards = fused(convolution.activate)

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, time, inputs) to (batch, less time, outputs)."""
        items, length, channels = inputs.shape
        if self._padding:
            inputs = functional.pad(inputs, (0, 0, self._padding, self._padding))
            length += 2 * self._padding
        if self._groups > 1:  # as if each were an item of its own
            each = channels // self._groups
            apart = inputs.reshape(items, length, self._groups, each).transpose(1, 2)
            inputs = apart.reshape(items * self._groups, length, each)
        planes = self._kernels.split(inputs, self._weight.parts)
        outputs = self.floats(planes)
        return outputs if self._afterwards is None else self._afterwards(outputs)

    def floats(self, inputs: Planes) -> Tensor:
        """(batch, less time, outputs), without an activation that the kernels do not know."""
        return self._kernels.to_floats(inputs, self._weight, self._layout(inputs), self._fused)

    def planes(self, inputs: Planes, parts: int) -> Planes:
        """The same, in planes."""
        return self._kernels.to_planes(inputs, self._weight, self._layout(inputs), self._fused, parts)

    @property
    def parts(self) -> int:
        """That inputs are taken in."""
        return self._weight.parts

    def _layout(self, inputs: Planes) -> Layout:
        rows = (inputs.rows - self._taps) // self._step + 1
        items = inputs.items // self._groups
        return Layout(items, rows, self._step, self._groups * inputs.item_stride, inputs.item_stride)


class TiledFeatures(nn.Module):
    """The first convolution, normalised over the window, and all later ones, from planes to planes."""

    def __init__(self, first: FirstGrouped, later: list[TiledConvolution], kernels: Kernels) -> None:
        super().__init__()
        self._kernels = kernels
        self._first = first
        *self._between, self._last = later
        self._parts = [convolution.parts for convolution in later]
        self._fused, _ = fused(first.activate)

    def forward(self, pieces: Tensor) -> Tensor:
        """(batch, time, taps) to (batch, less time, channels)."""
        filters = self._first.of_input(pieces)
        # one window after the other: what a stage gives is still near when the next one takes it
        made = [self._computed(pieces[row : row + 1], filters[row : row + 1]) for row in range(len(pieces))]
        return torch.cat(made) if made else self._computed(pieces, filters)

    def _computed(self, pieces: Tensor, filters: Tensor) -> Tensor:
        planes = self._kernels.first(pieces, filters, self._parts[0], self._fused)
        for convolution, parts in zip(self._between, self._parts[1:], strict=True):
            planes = convolution.planes(planes, parts)
        return self._last.floats(planes)


def fused(wanted: Activation | None) -> tuple[int, Activation | None]:
    """Its number, if the kernels know it; else none, and the function to apply afterwards."""
    if wanted is None or wanted is functional.gelu:
        return (LINEAR if wanted is None else GELU), None
    return LINEAR, wanted


def fits(product: Dense | Convolution) -> bool:
    """Whether the kernels compute it."""
    return isinstance(product, Dense) or product.stride[1] <= LONGEST_STEP
