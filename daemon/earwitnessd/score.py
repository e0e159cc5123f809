"""Compares embeddings with every enrolled person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Score:
    """One person's likeness to one window."""

    speaker: str
    cosine: float


@dataclass(frozen=True, eq=False)
class ProfileMatrix:
    """All exemplars of the model in use as rows of one matrix, sorted by person."""

    names: tuple[str, ...]
    # one a person, in row order
    first_rows: npt.NDArray[np.intp]
    # where each person's exemplars begin
    vectors: Vector
    # (exemplars, dimension), unit length

    @classmethod
    def build(cls, exemplars: Sequence[tuple[str, Vector]]) -> ProfileMatrix:
        """From (person, unit vector) pairs in any order."""
        ordered = sorted(exemplars, key=lambda exemplar: exemplar[0])
        names: list[str] = []
        first_rows: list[int] = []
        for row, (name, _) in enumerate(ordered):
            if not names or names[-1] != name:
                names.append(name)
                first_rows.append(row)
        vectors = np.array([vector for _, vector in ordered], dtype=np.float32)
        return cls(tuple(names), np.array(first_rows, dtype=np.intp), vectors)

    def scores(self, embedding: Vector) -> tuple[Score, ...]:
        """Everybody, the most alike first; a person scores as their nearest exemplar."""
        if not self.names:
            return ()
        products = np.clip(self.vectors @ embedding, -1.0, 1.0)  # rounding may lead beyond
        cosines = np.maximum.reduceat(products, self.first_rows)
        order = np.argsort(-cosines, kind="stable")
        return tuple(Score(self.names[index], float(cosines[index])) for index in order)
