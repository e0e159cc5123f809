"""Names and shapes of the parts that weights are made of."""

from __future__ import annotations

from collections.abc import Iterator

Shape = tuple[int, ...]
Named = Iterator[tuple[str, Shape]]


def dense(name: str, inputs: int, outputs: int, *, bias: bool = True) -> Named:
    """A product over the last axis."""
    yield f"{name}.weight", (outputs, inputs)
    if bias:
        yield f"{name}.bias", (outputs,)


def convolution(name: str, inputs: int, outputs: int, taps: int) -> Named:
    """A product over time."""
    yield f"{name}.weight", (outputs, inputs, taps)
    yield f"{name}.bias", (outputs,)


def norm(name: str, channels: int) -> Named:
    """A scale and a shift for each channel."""
    yield f"{name}.weight", (channels,)
    yield f"{name}.bias", (channels,)


def batch_norm(name: str, channels: int) -> Named:
    """The same, after what was seen in training is taken away."""
    yield from norm(name, channels)
    yield f"{name}.running_mean", (channels,)
    yield f"{name}.running_var", (channels,)
