"""The RawNet head: band filters on the samples themselves, joined with the mean of the frames."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitnessd.engines.architecture import Architecture, RawNetShape
from earwitnessd.engines.heads.parts import NORM_EPSILON, Head
from earwitnessd.engines.heads.shapes import Named, convolution, dense, norm
from earwitnessd.engines.products import Convolution, Dense, fixed
from earwitnessd.models.model import RATE

_LOWEST_HZ, _NARROWEST_HZ = 50, 50
_NOT_ZERO = 1e-8
_VARIANCE_ABOVE = 1e-9


class NormedOverTime(nn.Module):
    """Each channel normalised over the window, with a scale and a shift."""

    def __init__(self, scale: Tensor, shift: Tensor) -> None:
        super().__init__()
        self.scale, self.shift = fixed(scale), fixed(shift)

    def forward(self, frames: Tensor) -> Tensor:
        """Of the shape of the frames."""
        precise = frames.to(self.scale.dtype)
        variance, mean = torch.var_mean(precise, 1, correction=0, keepdim=True)
        gain = self.scale * torch.rsqrt(variance + NORM_EPSILON)
        return torch.addcmul(self.shift - mean * gain, precise, gain)


class Residual(nn.Module):
    """A convolution, normalised, excited and activated, added to what came in.

    What a window holds on average after the normalisation is its shift, whatever was heard: the
    excitation is one share for each channel, known beforehand, and part of the scale.
    """

    def __init__(self, weights: Mapping[str, Tensor], name: str, dilation: int) -> None:
        super().__init__()
        weight = weights[f"{name}.conv.weight"]
        shares = _excitation(weights, name)
        self.convolution = Convolution(
            _spread(weight, dilation), weights[f"{name}.conv.bias"], padding=dilation * (weight.shape[2] // 2)
        )
        self.norm = NormedOverTime(
            weights[f"{name}.norm.weight"] * shares, weights[f"{name}.norm.bias"] * shares
        )

    def forward(self, frames: Tensor) -> Tensor:
        """Of the shape of the frames."""
        return frames + functional.mish(self.norm(self.convolution(frames)))


class RawNetHead(Head):
    """That of bunyaminergen/WavLMRawNetXSVBase: two embeddings, and the product that joins them."""

    last: Dense

    def __init__(self, architecture: Architecture, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        shape = shape_of(architecture)
        self.vector_size = shape.fused
        filters = band_filters(weights)
        self.filters = Convolution(filters.unsqueeze(1), None, padding=filters.shape[1] // 2)
        self.first_norm = NormedOverTime(
            weights["rawnet.first_norm.weight"], weights["rawnet.first_norm.bias"]
        )
        self.blocks = nn.ModuleList(
            Residual(weights, f"rawnet.blocks.blocks.{number}", shape.dilation)
            for number in range(shape.blocks)
        )
        pooling = "rawnet.pooling_layer"
        self.attend = Dense(weights[f"{pooling}.linear.weight"], weights[f"{pooling}.linear.bias"])
        self.weigh = Dense(weights[f"{pooling}.att_conv.weight"][..., 0], weights[f"{pooling}.att_conv.bias"])
        self.embed = Dense(weights["rawnet.emb_fc.weight"], weights["rawnet.emb_fc.bias"], functional.relu)
        self.last = Dense(weights["fusion_fc.weight"], weights["fusion_fc.bias"], functional.relu)

    def forward(self, frames: Tensor, waves: Tensor) -> Tensor:
        """(batch, frames, hidden) and (batch, samples) to (batch, fused)."""
        heard = functional.mish(self.first_norm(self.filters(waves.unsqueeze(-1))))
        for block in self.blocks:
            heard = block(heard)
        raw = self.embed(self._pooled(heard))
        mean = frames.to(torch.promote_types(frames.dtype, torch.float32)).mean(1)
        fused: Tensor = self.last(torch.cat([mean, raw.to(mean.dtype)], -1))
        return fused

    def _pooled(self, heard: Tensor) -> Tensor:
        """Mean and deviation over time, weighed alike for all channels."""
        shares = self.weigh(torch.tanh(self.attend(heard))).to(heard.dtype).softmax(1)
        mean = (shares * heard).sum(1)
        variance = (shares * heard.square()).sum(1) - mean.square()
        return torch.cat([mean, (variance + _VARIANCE_ABOVE).sqrt()], -1)


def band_filters(weights: Mapping[str, Tensor]) -> Tensor:
    """(channels, taps): each lets a band through; in float32, step for step as they were trained."""
    low = _LOWEST_HZ + weights["rawnet.sinc_conv.low_hz_"].abs()
    high = (low + _NARROWEST_HZ + weights["rawnet.sinc_conv.band_hz_"].abs()).clamp(_LOWEST_HZ, RATE / 2)
    angles = weights["rawnet.sinc_conv.n_"]
    below = _sinc(2 * (high.unsqueeze(1) * angles)) - _sinc(2 * (low.unsqueeze(1) * angles))
    widths = (high - low).unsqueeze(1)
    return below * weights["rawnet.sinc_conv.window_"] / (2 * widths + _NOT_ZERO)


def _sinc(angles: Tensor) -> Tensor:
    # 0 in the middle, where a limit would be 1: so it was trained
    return angles.sin() / (_NOT_ZERO + angles)


def _excitation(weights: Mapping[str, Tensor], name: str) -> Tensor:
    shift = weights[f"{name}.norm.bias"]
    if f"{name}.se.fc.0.weight" not in weights:
        return torch.ones_like(shift)
    squeezed = functional.relu(weights[f"{name}.se.fc.0.weight"].double() @ shift.double())
    return (weights[f"{name}.se.fc.2.weight"].double() @ squeezed).sigmoid().to(shift.dtype)


def _spread(weight: Tensor, dilation: int) -> Tensor:
    """The same convolution without gaps between its taps."""
    if dilation == 1:
        return weight
    outputs, inputs, taps = weight.shape
    spread = weight.new_zeros(outputs, inputs, (taps - 1) * dilation + 1)
    spread[..., ::dilation] = weight
    return spread


def shape_of(architecture: Architecture) -> RawNetShape:
    """What the configuration says of this head."""
    if architecture.rawnet is None:
        raise ValueError('"rawnet" is missing: the shape of the head')
    return architecture.rawnet


def shapes(a: Architecture) -> Named:
    """Its weights, by the names they were made with."""
    shape = shape_of(a)
    channels = shape.channels
    for name, length in (("low_hz_", channels), ("band_hz_", channels)):
        yield f"rawnet.sinc_conv.{name}", (length,)
    for name in ("window_", "n_"):
        yield f"rawnet.sinc_conv.{name}", (shape.filter_taps,)
    yield from norm("rawnet.first_norm", channels)
    for number in range(shape.blocks):
        block = f"rawnet.blocks.blocks.{number}"
        yield from convolution(f"{block}.conv", channels, channels, shape.block_taps)
        yield from norm(f"{block}.norm", channels)
        if shape.squeezed:
            yield from dense(f"{block}.se.fc.0", channels, shape.squeezed, bias=False)
            yield from dense(f"{block}.se.fc.2", shape.squeezed, channels, bias=False)
    yield from dense("rawnet.pooling_layer.linear", channels, shape.attention)
    yield from convolution("rawnet.pooling_layer.att_conv", shape.attention, 1, 1)
    yield from dense("rawnet.emb_fc", 2 * channels, shape.embedding)
    yield from dense("fusion_fc", a.hidden_size + shape.embedding, shape.fused)
