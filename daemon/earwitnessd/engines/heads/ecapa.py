"""The ECAPA-TDNN head: squeezed and excited residual layers, attentive statistics, and a last product."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitnessd.engines.architecture import Architecture, EcapaShape
from earwitnessd.engines.heads.parts import Head, Scaled, dilated, over_time
from earwitnessd.engines.heads.shapes import Named, batch_norm, convolution, dense
from earwitnessd.engines.products import Dense

FIRST_TAPS, TAPS = 5, 3
DILATIONS = (2, 3, 4)  # of the layers after the first; a checkpoint does not say them
_OFFSET = 1e-6  # added to the weighted sum of layers before it is normalised
_LEAST_VARIANCE = 1e-9
_LEAST_CONTEXT_VARIANCE = 1e-10


class RectifiedScaled(nn.Module):
    """A convolution, a rectifier, and a batch norm after it."""

    def __init__(self, weights: Mapping[str, Tensor], name: str) -> None:
        super().__init__()
        self.convolution = dilated(weights, f"{name}.conv", functional.relu)
        self.norm = Scaled(weights, f"{name}.bn")

    def forward(self, frames: Tensor) -> Tensor:
        """(batch, frames, inputs) to (batch, frames, outputs)."""
        normed: Tensor = self.norm(self.convolution(frames))
        return normed


class Res2(nn.Module):
    """Groups of channels, each of which also hears what the one before it made."""

    def __init__(self, weights: Mapping[str, Tensor], name: str, scale: int, dilation: int) -> None:
        super().__init__()
        self.scale = scale
        count = max(1, scale - 1)
        self.convolutions = nn.ModuleList(
            dilated(weights, f"{name}.convs.{number}", functional.relu, dilation) for number in range(count)
        )
        self.norms = nn.ModuleList(Scaled(weights, f"{name}.bns.{number}") for number in range(count))

    def forward(self, frames: Tensor) -> Tensor:
        """Of the shape of the frames; the last group goes through as it is."""
        groups = frames.chunk(self.scale, -1)
        made: list[Tensor] = []
        for group, convolution_of, norm_of in zip(groups, self.convolutions, self.norms, strict=False):
            made.append(norm_of(convolution_of(group + made[-1] if made else group)))
        return torch.cat([*made, *groups[len(made) :]], -1)


class Block(nn.Module):
    """A residual layer whose channels are weighed by what the whole window holds."""

    def __init__(self, weights: Mapping[str, Tensor], name: str, scale: int, dilation: int) -> None:
        super().__init__()
        self.before = RectifiedScaled(weights, f"{name}.Conv1dReluBn1")
        self.groups = Res2(weights, f"{name}.Res2Conv1dReluBn", scale, dilation)
        self.after = RectifiedScaled(weights, f"{name}.Conv1dReluBn2")
        excitation = f"{name}.SE_Connect"
        self.squeeze = _dense(weights, f"{excitation}.linear1")
        self.excite = _dense(weights, f"{excitation}.linear2")

    def forward(self, frames: Tensor) -> Tensor:
        """Of the shape of the frames."""
        made = self.after(self.groups(self.before(frames)))
        squeezed = functional.relu(self.squeeze(made.mean(1)))
        shares = self.excite(squeezed).sigmoid().to(made.dtype)
        excited: Tensor = frames + made * shares.unsqueeze(1)
        return excited


class AttentiveStatistics(nn.Module):
    """Mean and deviation of each channel over the frames, which attention weighs for each channel."""

    def __init__(self, weights: Mapping[str, Tensor], name: str, *, hears_context: bool) -> None:
        super().__init__()
        self.hears_context = hears_context
        self.first = dilated(weights, f"{name}.linear1", torch.tanh)
        self.second = dilated(weights, f"{name}.linear2")

    def forward(self, frames: Tensor) -> Tensor:
        """(batch, frames, channels) to (batch, means and deviations)."""
        heard = self._with_context(frames) if self.hears_context else frames
        shares = self.second(self.first(heard)).to(frames.dtype).softmax(1)
        mean = (shares * frames).sum(1)
        variance = (shares * frames.square()).sum(1) - mean.square()
        return torch.cat([mean, variance.clamp(min=_LEAST_VARIANCE).sqrt()], -1)

    @staticmethod
    def _with_context(frames: Tensor) -> Tensor:
        variance, mean = torch.var_mean(frames, 1, keepdim=True)
        deviation = (variance + _LEAST_CONTEXT_VARIANCE).sqrt()
        return torch.cat([frames, mean.expand_as(frames), deviation.expand_as(frames)], -1)


class EcapaHead(Head):
    """That of microsoft/UniSpeech's speaker verification, on the weighted sum of all layers."""

    last: Dense

    def __init__(self, architecture: Architecture, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        shape = shape_of(architecture)
        self.vector_size = shape.embedding
        self.first = RectifiedScaled(weights, "ecapa.layer1")
        self.blocks = nn.ModuleList(
            Block(weights, f"ecapa.layer{number}", shape.scale, dilation)
            for number, dilation in enumerate(DILATIONS, start=2)
        )
        self.joined = dilated(weights, "ecapa.conv", functional.relu)
        self.pooling = AttentiveStatistics(weights, "ecapa.pooling", hears_context=shape.global_context)
        self.norm = Scaled(weights, "ecapa.bn")
        self.last = _dense(weights, "ecapa.linear")

    def forward(self, frames: Tensor, _waves: Tensor) -> Tensor:
        """(batch, frames, hidden) to (batch, embedding)."""
        made = self.first(over_time(frames + _OFFSET))
        outputs = []
        for block in self.blocks:
            made = block(made)
            outputs.append(made)
        joined = self.joined(torch.cat(outputs, -1))
        precise = joined.to(torch.promote_types(joined.dtype, torch.float32))
        vector: Tensor = self.last(self.norm(self.pooling(precise)))
        return vector


def shape_of(architecture: Architecture) -> EcapaShape:
    """What the configuration says of this head."""
    if architecture.ecapa is None:
        raise ValueError('"ecapa" is missing: the shape of the head')
    return architecture.ecapa


def shapes(a: Architecture) -> Named:
    """Its weights, by the names they were made with."""
    shape = shape_of(a)
    yield from _rectified_scaled("ecapa.layer1", a.hidden_size, shape.channels, FIRST_TAPS)
    for number in range(2, 2 + len(DILATIONS)):
        yield from _block(f"ecapa.layer{number}", shape)
    yield from convolution("ecapa.conv", len(DILATIONS) * shape.channels, shape.pooled, 1)
    heard = 3 * shape.pooled if shape.global_context else shape.pooled
    yield from convolution("ecapa.pooling.linear1", heard, shape.attention, 1)
    yield from convolution("ecapa.pooling.linear2", shape.attention, shape.pooled, 1)
    yield from batch_norm("ecapa.bn", 2 * shape.pooled)
    yield from dense("ecapa.linear", 2 * shape.pooled, shape.embedding)


def _block(name: str, shape: EcapaShape) -> Named:
    channels, width = shape.channels, shape.channels // shape.scale
    yield from _rectified_scaled(f"{name}.Conv1dReluBn1", channels, channels, 1)
    for number in range(max(1, shape.scale - 1)):
        yield from convolution(f"{name}.Res2Conv1dReluBn.convs.{number}", width, width, TAPS)
        yield from batch_norm(f"{name}.Res2Conv1dReluBn.bns.{number}", width)
    yield from _rectified_scaled(f"{name}.Conv1dReluBn2", channels, channels, 1)
    yield from dense(f"{name}.SE_Connect.linear1", channels, shape.squeezed)
    yield from dense(f"{name}.SE_Connect.linear2", shape.squeezed, channels)


def _rectified_scaled(name: str, inputs: int, outputs: int, taps: int) -> Named:
    yield from convolution(f"{name}.conv", inputs, outputs, taps)
    yield from batch_norm(f"{name}.bn", outputs)


def _dense(weights: Mapping[str, Tensor], name: str) -> Dense:
    return Dense(weights[f"{name}.weight"], weights[f"{name}.bias"])
