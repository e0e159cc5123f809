"""How far one set of embeddings is from another."""

from __future__ import annotations

import numpy as np

from earwitnessd.engines import Vectors


def max_rel_error(vectors: Vectors, reference: Vectors) -> float:
    """The largest difference of a component, as a fraction of the largest component of that row."""
    ours, theirs = vectors.astype(np.float64), reference.astype(np.float64)
    return float((np.abs(ours - theirs).max(axis=1) / np.abs(theirs).max(axis=1)).max())


def one_minus_cos(vectors: Vectors, reference: Vectors) -> float:
    """Of the pair that agrees least."""
    ours, theirs = (
        each / np.linalg.norm(each, axis=1, keepdims=True) for each in _double(vectors, reference)
    )
    # half the square of the distance: 1 - a·b would lose all digits
    return float((0.5 * np.square(ours - theirs).sum(axis=1)).max())


def _double(*all_vectors: Vectors) -> list[np.typing.NDArray[np.float64]]:
    return [vectors.astype(np.float64) for vectors in all_vectors]
