"""The same products in oneDNN's own weight layout, which CPUs compute faster than the plain one."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitnessd.engines.activations import Activation
from earwitnessd.engines.products import Convolution, Dense

log = logging.getLogger(__name__)

# What oneDNN applies while a product is still in the processor's registers. (Its relu would make 0 of NaN.)
_FUSED: dict[Activation | None, tuple[str, str]] = {
    None: ("none", ""),
    functional.gelu: ("gelu", "none"),
}
_NOT_THERE = (RuntimeError, AttributeError, TypeError)  # another torch, or another processor
_FRAMES = 150  # of a 3 s window; the layout is chosen for them, and other numbers are computed too


def pack(network: nn.Module) -> bool:
    """Replace every product of a network on the CPU; False: this torch cannot, and nothing is changed."""
    try:
        replacements = list(_packed(network))
    except _NOT_THERE as error:
        log.info("oneDNN's packed products are not to be had here, plain ones are used: %s", error)
        return False
    for parent, name, module in replacements:
        setattr(parent, name, module)
    return True


def _packed(network: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Module]]:
    for parent in network.modules():
        for name, child in parent.named_children():
            if isinstance(child, Dense):
                yield parent, name, PackedDense(child)
            elif isinstance(child, Convolution):
                yield parent, name, PackedConvolution(child)


class PackedDense(nn.Module):
    """A `Dense` on the CPU; the plain weight is gone."""

    def __init__(self, dense: Dense) -> None:
        super().__init__()
        self._weight = torch.ops.mkldnn._reorder_linear_weight(dense.weight.detach(), _FRAMES)
        self._dtype = dense.weight.dtype
        self._bias = dense.bias
        self._fused, self._algorithm, self._afterwards = _activation(dense.activate)

    def forward(self, inputs: Tensor) -> Tensor:
        """(…, inputs) to (…, outputs)."""
        outputs: Tensor = torch.ops.mkldnn._linear_pointwise(
            inputs.to(self._dtype), self._weight, self._bias, self._fused, [], self._algorithm
        )
        return outputs if self._afterwards is None else self._afterwards(outputs)


class PackedConvolution(nn.Module):
    """A `Convolution` on the CPU; the plain weight is gone."""

    def __init__(self, convolution: Convolution) -> None:
        super().__init__()
        weight = convolution.weight.detach()
        self._stride, self._padding = list(convolution.stride), list(convolution.padding)
        self._groups = convolution.groups
        typical = [1, weight.shape[1] * self._groups, 1, _FRAMES]
        self._weight = torch.ops.mkldnn._reorder_convolution_weight(
            weight, self._padding, self._stride, [1, 1], self._groups, typical
        )
        self._dtype = weight.dtype
        self._bias = convolution.bias
        self._fused, self._algorithm, self._afterwards = _activation(convolution.activate)

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, time, inputs) to (batch, less time, outputs)."""
        image = inputs.to(self._dtype).transpose(1, 2).unsqueeze(2)
        outputs: Tensor = torch.ops.mkldnn._convolution_pointwise(
            image,
            self._weight,
            self._bias,
            self._padding,
            self._stride,
            [1, 1],
            self._groups,
            self._fused,
            [],
            self._algorithm,
        )
        outputs = outputs.squeeze(2).transpose(1, 2)
        return outputs if self._afterwards is None else self._afterwards(outputs)


def _activation(wanted: Activation | None) -> tuple[str, str, Activation | None]:
    """Its name and variant in oneDNN; or none, and the function to apply afterwards."""
    if wanted in _FUSED:
        return (*_FUSED[wanted], None)
    return ("none", "", wanted)
