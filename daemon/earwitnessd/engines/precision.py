"""Number formats: what may be computed in bfloat16, and by how much its scores may be off."""

from __future__ import annotations

import numpy as np
import torch

from earwitnessd.engines.exactness import AnyVectors
from earwitnessd.engines.network import Network
from earwitnessd.engines.products import Convolution, Dense

# Cosines are told apart no finer than this: a twentieth of the default hysteresis.
RESOLUTION = 0.0025
# What `fast` promises on speech, a fifth of it; more is refused.
FAST_PROMISE = 0.01

_TILE = 16  # channels of a group: oneDNN's grouped bfloat16 convolutions are wrong for other numbers


def lower(network: Network) -> Network:
    """Let the large products compute in bfloat16, in place; sums over layers, norms and statistics stay.

    The first filters stay too: eight bits of a wave bury its weak high frequencies under its low ones.
    So does the last product, whose output is the embedding.
    """
    kept = {id(network.head.last), *(id(part) for part in network.features.first.modules())}
    for part in network.modules():
        if isinstance(part, Dense | Convolution) and id(part) not in kept and _is_safe(part):
            part.to(torch.bfloat16)
    return network


def score_difference(found: AnyVectors, expected: AnyVectors) -> float:
    """By how much a cosine is off at most, between two windows embedded alike or one of them exactly."""
    ours, theirs = _unit(found), _unit(expected)
    exact = theirs @ theirs.T
    return float(max(np.abs(ours @ ours.T - exact).max(), np.abs(ours @ theirs.T - exact).max()))


def _is_safe(part: Dense | Convolution) -> bool:
    return isinstance(part, Dense) or part.groups == 1 or part.weight.shape[1] % _TILE == 0


def _unit(vectors: AnyVectors) -> AnyVectors:
    exact = vectors.astype(np.float64)
    unit: AnyVectors = exact / np.linalg.norm(exact, axis=1, keepdims=True)
    return unit
