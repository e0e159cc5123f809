"""From samples to feature vectors: the convolutions that stand before the transformer."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from earwitnessd.engines.activations import Activation, activation
from earwitnessd.engines.architecture import Architecture
from earwitnessd.engines.products import Convolution, Dense, Norm, fixed

_EPSILON = 1e-5  # of the norms in this part, whatever the configuration says of the others
_LONGEST_CORRELATED = 32  # taps; the statistics of longer filters are cheaper taken from what they give


class FirstNormed(nn.Module):
    """The first layer, each of its vectors normalised over the channels."""

    def __init__(self, filters: Tensor, bias: Tensor | None, norm: Norm, activate: Activation) -> None:
        super().__init__()
        self.filter = Dense(filters, bias)
        self.norm = norm
        self.activate = activate

    def forward(self, pieces: Tensor) -> Tensor:
        """(batch, time, taps) to (batch, time, channels)."""
        return self.activate(self.norm(self.filter(pieces)))


class FirstGrouped(nn.Module):
    """The first layer, each of its channels normalised over the whole window.

    Mean and variance of a filter's output follow from those of its input, so that filter and normalisation
    become one product with weights made for this window. A bias of the filter would be taken away again:
    there is none.
    """

    def __init__(self, filters: Tensor, scale: Tensor, shift: Tensor, activate: Activation) -> None:
        super().__init__()
        self.filters, self.scale, self.shift = fixed(filters), fixed(scale), fixed(shift)
        self.activate = activate

    def forward(self, pieces: Tensor) -> Tensor:
        """(batch, time, taps) to (batch, time, channels)."""
        if not self.by_input or pieces.device.type == "mps":  # which has no float64
            return self.activate(self._of_output(pieces @ self.filters.T))
        # the bias as one more tap, which hears a constant: to add it would be a second pass over it all
        constant = pieces.new_ones(pieces.shape[0], pieces.shape[1], 1)
        return self.activate(torch.cat([pieces, constant], -1) @ self.of_input(pieces))

    @property
    def by_input(self) -> bool:
        """Whether the statistics are those of the samples: for long filters that costs more."""
        return self.filters.shape[1] <= _LONGEST_CORRELATED

    def of_input(self, pieces: Tensor) -> Tensor:
        """Weights for both at once: (batch, taps and the bias, channels)."""
        exact = pieces.double()  # a filter may leave little of what is large in the samples
        filters = self.filters.double()
        means = exact.mean(1, keepdim=True)
        centred = exact - means
        covariance = centred.transpose(1, 2) @ centred / pieces.shape[1]
        variance = ((filters @ covariance) * filters).sum(-1)
        gain = self.scale * torch.rsqrt(variance + _EPSILON)
        weight = filters.T * gain.unsqueeze(1)
        return torch.cat([weight, self.shift - means @ weight], 1).to(pieces.dtype)

    def _of_output(self, filtered: Tensor) -> Tensor:
        variance, mean = torch.var_mean(filtered, 1, correction=0, keepdim=True)
        gain = self.scale * torch.rsqrt(variance + _EPSILON)
        return torch.addcmul(self.shift - mean * gain, filtered, gain)


class Layer(nn.Module):
    """A later convolution, its vectors normalised over the channels."""

    def __init__(self, convolution: Convolution, norm: Norm, activate: Activation) -> None:
        super().__init__()
        self.convolution, self.norm = convolution, norm
        self.activate = activate

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, time, inputs) to (batch, less time, outputs)."""
        return self.activate(self.norm(self.convolution(inputs)))


class Features(nn.Module):
    """All convolutions, and the projection to the transformer's width."""

    def __init__(self, architecture: Architecture, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.taps, self.stride = architecture.conv_kernel[0], architecture.conv_stride[0]
        self.first = _first(architecture, weights)
        self.later = nn.ModuleList(
            _later(architecture, weights, number) for number in range(1, len(architecture.conv_dim))
        )
        self.norm = _norm(weights, "wavlm.feature_projection", architecture.layer_norm_eps)
        projection = "wavlm.feature_projection.projection"
        self.projection = Dense(weights[f"{projection}.weight"], weights[f"{projection}.bias"])

    def forward(self, waves: Tensor) -> Tensor:
        """(batch, samples) to (batch, frames, hidden_size)."""
        # one channel goes in: a product with overlapping pieces, which convolution kernels are slow at
        features = self.first(waves.unfold(1, self.taps, self.stride))
        for layer in self.later:
            features = layer(features)
        projected: Tensor = self.projection(self.norm(features))
        return projected


def _first(a: Architecture, weights: Mapping[str, Tensor]) -> nn.Module:
    name = "wavlm.feature_extractor.conv_layers.0"
    filters = weights[f"{name}.conv.weight"][:, 0]
    activate = activation(a.feat_extract_activation)
    if a.feat_extract_norm == "group":
        scale, shift = (weights[f"{name}.layer_norm.{which}"] for which in ("weight", "bias"))
        return FirstGrouped(filters, scale, shift, activate)
    return FirstNormed(filters, weights.get(f"{name}.conv.bias"), _norm(weights, name), activate)


def _later(a: Architecture, weights: Mapping[str, Tensor], number: int) -> nn.Module:
    name = f"wavlm.feature_extractor.conv_layers.{number}"
    weight, bias = weights[f"{name}.conv.weight"], weights.get(f"{name}.conv.bias")
    activate = activation(a.feat_extract_activation)
    stride = a.conv_stride[number]
    if a.feat_extract_norm == "group":
        return Convolution(weight, bias, activate, stride=stride)
    return Layer(Convolution(weight, bias, stride=stride), _norm(weights, name), activate)


def _norm(weights: Mapping[str, Tensor], name: str, epsilon: float = _EPSILON) -> Norm:
    return Norm(weights[f"{name}.layer_norm.weight"], weights[f"{name}.layer_norm.bias"], epsilon)
