"""What several heads are made of: products over frames that stand apart, and normalisation over time."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitnessd.engines.activations import Activation
from earwitnessd.engines.products import Dense, fixed

NORM_EPSILON = 1e-5  # of batch and instance norms, whose checkpoints do not say it


class Head(nn.Module):
    """Takes (frames, waves): (batch, frames, hidden) and the (batch, samples) that they were made of."""

    vector_size: int
    last: Dense | None
    # the product whose outputs are the embedding


class Dilated(nn.Module):
    """A product with frames that stand `dilation` apart, all of them side by side."""

    def __init__(self, dense: Dense, taps: int, dilation: int, padding: int = 0) -> None:
        super().__init__()
        self.dense = dense
        self.taps, self.dilation, self.padding = taps, dilation, padding

    def forward(self, frames: Tensor) -> Tensor:
        """(batch, frames, inputs) to (batch, less frames, outputs), or as many if they are padded."""
        if self.padding:
            frames = functional.pad(frames, (0, 0, self.padding, self.padding))
        if self.taps > 1:
            left = frames.shape[1] - (self.taps - 1) * self.dilation
            starts = range(0, self.taps * self.dilation, self.dilation)
            frames = torch.cat([frames[:, start : start + left] for start in starts], -1)
        outputs: Tensor = self.dense(frames)
        return outputs


class Scaled(nn.Module):
    """A batch norm whose statistics stand: one scale and one shift for each channel."""

    def __init__(self, weights: Mapping[str, Tensor], name: str) -> None:
        super().__init__()
        variance = weights[f"{name}.running_var"].double()
        scale = weights[f"{name}.weight"].double() / (variance + NORM_EPSILON).sqrt()
        shift = weights[f"{name}.bias"].double() - weights[f"{name}.running_mean"].double() * scale
        self.scale, self.shift = fixed(scale.float()), fixed(shift.float())

    def forward(self, frames: Tensor) -> Tensor:
        """Of the shape of the frames."""
        return torch.addcmul(self.shift, frames, self.scale)


def dilated(
    weights: Mapping[str, Tensor], name: str, activate: Activation | None = None, dilation: int = 1
) -> Dilated:
    """A stored convolution over time that keeps the number of frames."""
    weight = weights[f"{name}.weight"]
    outputs, _, taps = weight.shape
    dense = Dense(weight.transpose(1, 2).reshape(outputs, -1), weights[f"{name}.bias"], activate)
    return Dilated(dense, taps, dilation, padding=dilation * (taps // 2))


def over_time(frames: Tensor) -> Tensor:
    """Each channel with mean 0 and variance 1 over the window, as an instance norm without weights."""
    precise = frames.to(torch.promote_types(frames.dtype, torch.float32))
    variance, mean = torch.var_mean(precise, 1, correction=0, keepdim=True)
    return (precise - mean) * torch.rsqrt(variance + NORM_EPSILON)
