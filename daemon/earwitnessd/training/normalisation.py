"""Batch normalisation around the x-vector head while training, folded into its layers for export.

A WavLMForXVector has none, and without it the head learns slowly: pooled activations are large and alike
for all speakers, and what tells speakers apart is a small difference.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from transformers import WavLMForXVector


class ChannelNorm(nn.BatchNorm1d):
    """Batch normalisation of the last dimension, over all others."""

    def forward(self, values: Tensor) -> Tensor:
        """Values (…, channels)."""
        return super().forward(values.float().flatten(0, -2)).view_as(values)


def insert(network: WavLMForXVector) -> None:
    """Normalise what enters every head layer but the first, the pooled statistics, and the embedding."""
    for index in range(1, len(network.tdnn)):
        layer = network.tdnn[index]
        network.tdnn[index] = nn.Sequential(ChannelNorm(layer.in_conv_dim), layer)
    linear = network.feature_extractor
    before, after = ChannelNorm(linear.in_features), ChannelNorm(linear.out_features)
    network.feature_extractor = nn.Sequential(before, linear, after)


def folded(network: WavLMForXVector) -> WavLMForXVector:
    """A copy without normalisation that computes the same as `network` does in evaluation.

    Exact because the head pads nothing: a shift before a layer is the same constant at every position.
    """
    plain = copy.deepcopy(network)
    with torch.no_grad():
        for index, layer in enumerate(plain.tdnn):
            if isinstance(layer, nn.Sequential):
                parts: list[Any] = list(layer)
                norm, tdnn = parts
                scale, shift = _affine(norm)
                # A TDNN's weight (out, taps · in) has the input channels running fastest.
                taps = tdnn.kernel.weight.shape[1] // len(scale)
                _absorb_before(tdnn.kernel, scale.repeat(taps), shift.repeat(taps))
                plain.tdnn[index] = tdnn
        if isinstance(plain.feature_extractor, nn.Sequential):
            parts = list(plain.feature_extractor)
            before, linear, after = parts
            _absorb_before(linear, *_affine(before))
            scale, shift = _affine(after)
            linear.weight.mul_(scale[:, None])
            linear.bias.mul_(scale).add_(shift)
            plain.feature_extractor = linear
    return plain


def _absorb_before(linear: nn.Linear, scale: Tensor, shift: Tensor) -> None:
    linear.bias.add_(linear.weight @ shift)
    linear.weight.mul_(scale)


def _affine(norm: ChannelNorm) -> tuple[Tensor, Tensor]:
    """Scale and shift of a normalisation in evaluation."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale
