"""Linear discriminant analysis of the training speakers' embeddings, folded into the last layer.

Directions in which the crops of one speaker differ (channel, noise, mood) count less afterwards, those in
which speakers differ count more.
"""

from __future__ import annotations

import copy

import numpy as np
import scipy.linalg
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import WavLMForXVector

from earwitnessd.training.errors import TrainingError


def directions(
    vectors: NDArray[np.float64], labels: NDArray[np.int64], dimensions: int, shrinkage: float
) -> NDArray[np.float64]:
    """A projection (embedding, dimensions) after which speakers vary equally within themselves.

    `shrinkage` times the average within-speaker variance is added to all directions, against overconfidence.
    """
    groups = np.unique(labels, return_inverse=True)[1]
    means = np.zeros((groups.max() + 1, vectors.shape[1]))
    np.add.at(means, groups, vectors)
    means /= np.bincount(groups)[:, None]
    inner = vectors - means[groups]
    if not 0 < dimensions <= vectors.shape[1] or len(vectors) - len(means) < 2:
        raise TrainingError(f"discriminant.dimensions = {dimensions}: expected 1 to {vectors.shape[1]}")
    within = inner.T @ inner / (len(vectors) - len(means))
    between = np.cov((vectors - vectors.mean(0)).T) - within
    ridge = shrinkage * np.trace(within) / len(within) * np.eye(len(within))
    _, basis = scipy.linalg.eigh(between, within + ridge)
    turned: NDArray[np.float64] = basis[:, ::-1][:, :dimensions]
    return turned


def projected(
    network: WavLMForXVector, mean: NDArray[np.float64], basis: NDArray[np.float64]
) -> WavLMForXVector:
    """A copy whose embeddings e have become (e - mean) · basis."""
    plain = copy.deepcopy(network)
    old, dimensions = plain.feature_extractor, basis.shape[1]
    turn = torch.from_numpy(np.ascontiguousarray(basis.T)).to(old.weight)
    shift = torch.from_numpy(mean).to(old.weight)
    plain.feature_extractor = nn.Linear(old.in_features, dimensions)
    with torch.no_grad():
        plain.feature_extractor.weight.copy_(turn @ old.weight)
        plain.feature_extractor.bias.copy_(turn @ (old.bias - shift))
    plain.classifier = nn.Linear(dimensions, dimensions)
    plain.objective.weight = nn.Parameter(plain.objective.weight[:dimensions].detach().clone())
    plain.config.xvector_output_dim = dimensions
    return plain.to(old.weight.device)
