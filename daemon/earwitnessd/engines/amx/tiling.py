"""Puts the kernels in the place of a network's products."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn
from torch.nn import functional

from earwitnessd.engines.amx import layers, tiled
from earwitnessd.engines.amx.kernels import Kernels
from earwitnessd.engines.amx.planes import BLOCK
from earwitnessd.engines.encoder import Layer
from earwitnessd.engines.features import Features, FirstGrouped
from earwitnessd.engines.network import Network
from earwitnessd.engines.products import Convolution, Dense

ONE_PART = 1  # bfloat16
TWO_PARTS = 2  # nearly float32: exact enough for large networks, whose errors are averaged away
THREE_PARTS = 3  # as exact as float32
_ROUGH_CONVOLUTIONS = 2  # the first ones after the filters, with most of the rows


def tile(network: Network, kernels: Kernels, parts: int) -> None:
    """Every number as the sum of so many parts. What does not fit the kernels stays as it is.

    Of two parts are those products that take long; the others, and all that is heard behind them, of three.
    """
    sharp = THREE_PARTS if parts == TWO_PARTS else parts
    _tile_features(network.features, kernels, parts, sharp)
    for number, layer in enumerate(network.encoder.layers):
        assert isinstance(layer, Layer)
        if layers.fits(layer):
            network.encoder.layers[number] = layers.TiledLayer(layer, kernels, parts)
    _tile_products(network.encoder, kernels, parts)
    _tile_products(network.features, kernels, sharp, but=network.features.first)
    # the last product has few rows, and its outputs are the embedding
    _tile_products(network.head, kernels, sharp, but=network.head.last)


def _tile_features(features: Features, kernels: Kernels, parts: int, sharp: int) -> None:
    """All convolutions as one chain of kernels, if they know each of them."""
    first = features.first
    later = [each for each in features.later if isinstance(each, Convolution) and _chains(each)]
    if not isinstance(first, FirstGrouped) or not _begins(first) or not later:
        return
    if len(later) == len(features.later):
        made = [
            tiled.TiledConvolution(each, kernels, parts if number < _ROUGH_CONVOLUTIONS else sharp)
            for number, each in enumerate(later)
        ]
        features.first = tiled.TiledFeatures(first, made, kernels)
        features.later = nn.ModuleList()


def _begins(first: FirstGrouped) -> bool:
    return first.by_input and not first.filters.shape[0] % BLOCK and first.activate is functional.gelu


def _chains(convolution: Convolution) -> bool:
    return tiled.fits(convolution) and convolution.activate is functional.gelu


def _tile_products(part: nn.Module, kernels: Kernels, parts: int, but: nn.Module | None = None) -> None:
    for parent, name, product in list(_products(part, but)):
        if isinstance(product, Dense):
            setattr(parent, name, tiled.TiledDense(product, kernels, parts))
        else:
            setattr(parent, name, tiled.TiledConvolution(product, kernels, parts))


def _products(part: nn.Module, but: nn.Module | None) -> Iterator[tuple[nn.Module, str, Dense | Convolution]]:
    for name, child in part.named_children():
        if child is but:
            continue
        if isinstance(child, Dense | Convolution):
            if tiled.fits(child):
                yield part, name, child
        else:
            yield from _products(child, but)
