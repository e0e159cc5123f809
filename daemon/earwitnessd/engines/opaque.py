"""Packed products as operations of their own: torch's compiler leaves them whole, and fuses the rest."""

from __future__ import annotations

from itertools import count
from weakref import WeakValueDictionary

import torch
from torch import Tensor, nn

from earwitnessd.engines.packing import PackedConvolution, PackedDense

_products: WeakValueDictionary[int, nn.Module] = WeakValueDictionary()
# by number: their weights are in a layout that no compiler can look into
_numbers = count()


@torch.library.custom_op("earwitness::packed_product", mutates_args=())
def packed_product(inputs: Tensor, number: int, shape: list[int], strides: list[int]) -> Tensor:
    """What the product with this number makes of its inputs, laid out as it was the first time."""
    outputs: Tensor = _products[number](inputs)
    if list(outputs.stride()) == strides:
        return outputs
    return torch.empty_strided(shape, strides, dtype=outputs.dtype).copy_(outputs)


@packed_product.register_fake
def _(inputs: Tensor, _number: int, shape: list[int], strides: list[int]) -> Tensor:
    return inputs.new_empty_strided(shape, strides, dtype=torch.float32)


class OpaqueProduct(nn.Module):
    """A packed float32 product, for inputs of one shape."""

    def __init__(self, product: nn.Module, outputs: Tensor) -> None:
        super().__init__()
        self._number = next(_numbers)
        self._shape, self._strides = list(outputs.shape), list(outputs.stride())
        self._kept = (product,)
        # in a tuple, so that it is not found as a part of this module
        _products[self._number] = product

    def forward(self, inputs: Tensor) -> Tensor:
        """As the product itself."""
        outputs: Tensor = torch.ops.earwitness.packed_product(
            inputs, self._number, self._shape, self._strides
        )
        return outputs


def hide_products(network: nn.Module, example: Tensor) -> None:
    """Replace every packed product; from now on the network takes inputs of the example's shape only."""
    seen: dict[nn.Module, Tensor] = {}
    hooks = [
        module.register_forward_hook(lambda product, _, outputs: seen.update({product: outputs}))
        for module in network.modules()
        if isinstance(module, PackedDense | PackedConvolution)
    ]
    with torch.inference_mode():
        network(example)
    for hook in hooks:
        hook.remove()
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if child in seen:
                setattr(parent, name, OpaqueProduct(child, seen[child]))
