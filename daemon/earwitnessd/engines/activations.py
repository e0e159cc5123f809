"""The activations that a configuration may name, as functions."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from earwitnessd.models import ModelError

Activation = Callable[[Tensor], Tensor]


def _gelu_by_tanh(values: Tensor) -> Tensor:
    return functional.gelu(values, approximate="tanh")


def _gelu_clipped(values: Tensor) -> Tensor:
    return functional.gelu(values).clamp(-10.0, 10.0)


def _gelu_fast(values: Tensor) -> Tensor:
    # as transformers writes it, with ten digits of the scale
    return 0.5 * values * (1.0 + torch.tanh(0.7978845608 * values * (1.0 + 0.044715 * values.square())))


def _gelu_quick(values: Tensor) -> Tensor:
    return values * torch.sigmoid(1.702 * values)


def _laplace(values: Tensor) -> Tensor:
    return 0.5 * (1.0 + torch.erf((values - 0.707107) / (0.282095 * math.sqrt(2.0))))


def _relu_squared(values: Tensor) -> Tensor:
    return functional.relu(values).square()


def _root_of_softplus(values: Tensor) -> Tensor:
    return functional.softplus(values).sqrt()


def _as_it_is(values: Tensor) -> Tensor:
    return values


_KNOWN: dict[str, Activation] = {
    "gelu": functional.gelu,
    "gelu_python": functional.gelu,
    "gelu_10": _gelu_clipped,
    "gelu_fast": _gelu_fast,
    "gelu_new": _gelu_by_tanh,
    "gelu_accurate": _gelu_by_tanh,
    "gelu_pytorch_tanh": _gelu_by_tanh,
    "gelu_python_tanh": _gelu_by_tanh,
    "quick_gelu": _gelu_quick,
    "hardswish": functional.hardswish,
    "laplace": _laplace,
    "leaky_relu": functional.leaky_relu,
    "linear": _as_it_is,
    "mish": functional.mish,
    "relu": functional.relu,
    "relu2": _relu_squared,
    "relu6": functional.relu6,
    "sigmoid": torch.sigmoid,
    "silu": functional.silu,
    "sqrtsoftplus": _root_of_softplus,
    "swish": functional.silu,
    "tanh": torch.tanh,
}


def activation(name: str) -> Activation:
    """The function of that name; one with weights of its own is not among them."""
    if name not in _KNOWN:
        raise ModelError(
            f'activation "{name}" cannot be computed here; those that can: {", ".join(sorted(_KNOWN))}'
        )
    return _KNOWN[name]
