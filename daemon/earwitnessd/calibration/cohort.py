"""Strangers to compare with: what a voice scores against them says how much its other scores mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float32]

LEAST_SPREAD = 1e-3  # of a voice's cosines to the cohort: a smaller one is a cohort of copies
LEAST_DISTANCE = 1e-3  # from the mean: what is nearer has no direction
LEAST_SPEAKERS = 20


@dataclass(frozen=True, eq=False, slots=True)
class Cohort:
    """Embeddings of people who are nobody in particular, one a speaker."""

    model_id: str
    mean: Vectors
    # (dimension): of all speakers, subtracted from everything that is compared
    vectors: Vectors
    # (speakers, dimension): with the mean subtracted, unit length
    top: int
    # only so many of the speakers most alike count: the others tell nothing about confusions
    spread: float
    # of cosines to those, one for all voices: a voice's own says more of its channel than of confusions

    @classmethod
    def of(cls, model_id: str, speakers: Sequence[Vectors], top: int) -> Cohort:
        """From one embedding a speaker, of unit length."""
        whole = np.asarray(speakers, dtype=np.float32)
        mean = whole.mean(axis=0)
        return cls.stored(model_id, mean, whole - mean, top)

    @classmethod
    def stored(cls, model_id: str, mean: Vectors, vectors: Vectors, top: int) -> Cohort:
        """From what a file holds."""
        whole = unit(vectors)
        count = min(top, len(whole))
        others = np.sort(whole @ whole.T, axis=1)[:, -count - 1 : -1]  # everybody is most like themselves
        spread = max(float(others.std(axis=1).mean()), LEAST_SPREAD)
        return cls(model_id, mean, whole, count, spread)

    def centred(self, vectors: Vectors) -> Vectors:
        """Without what all voices have in common, unit length again."""
        return unit(vectors - self.mean)

    def distance(self, vectors: Vectors) -> Floats:
        """How far each voice is from what all have in common.

        Odd voices and channels, which are far from it, look more alike, once centred, than they are.
        """
        distances = lengths(np.atleast_2d(vectors) - self.mean)
        found: Floats = np.maximum(distances, LEAST_DISTANCE).astype(np.float32, copy=False)
        return found

    def middle_of(self, apart: Vectors) -> float:
        """The mean of one voice's products with the speakers of the cohort most like it."""
        products = np.dot(self.vectors, apart)
        products.partition(len(products) - self.top)
        nearest: list[float] = products[-self.top :].tolist()
        return math.fsum(nearest) / self.top

    def middle(self, centred: Vectors) -> Floats:
        """The same of each row: cosines, where the rows are of unit length."""
        cosines = np.atleast_2d(centred) @ self.vectors.T
        cosines.partition(cosines.shape[1] - self.top, axis=1)
        middle: Floats = cosines[:, -self.top :].mean(axis=1)
        return middle


def unit(vectors: Vectors) -> Vectors:
    """Each of length one; what has no direction stays zero."""
    scaled = vectors / np.maximum(lengths(vectors)[..., np.newaxis], 1e-12)
    return scaled.astype(np.float32, copy=False)


def lengths(vectors: Vectors) -> Floats:
    """Of each row, as `np.linalg.norm` has it, which looks at what it is given for longer than it works."""
    found: Floats = np.sqrt(np.add.reduce(vectors * vectors, axis=-1))
    return found
