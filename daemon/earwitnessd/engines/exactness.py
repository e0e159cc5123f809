"""How far apart two computations of the same embeddings are, and how far exact ones may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# The promise of float32, whichever way it is arranged.
RELATIVE = 5e-6
ONE_MINUS_COSINE = 1e-11

AnyVectors = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Difference:
    """The worst row of a batch; not a number where a vector is not."""

    relative: float
    # largest difference of a component, in parts of the vector's largest component
    one_minus_cosine: float

    @property
    def exact(self) -> bool:
        """Within what is promised of float32."""
        return self.within(1.0)

    def within(self, share: float) -> bool:
        """Of that promise."""
        return self.relative <= share * RELATIVE and self.one_minus_cosine <= share * ONE_MINUS_COSINE


def difference(found: AnyVectors, expected: AnyVectors) -> Difference:
    """Between the rows of two batches, computed in float64."""
    ours, theirs = found.astype(np.float64), expected.astype(np.float64)
    relative = np.abs(ours - theirs).max(1) / np.abs(theirs).max(1)
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return Difference(float(relative.max()), float((1.0 - (ours * theirs).sum(1) / lengths).max()))
