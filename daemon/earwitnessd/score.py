"""Compares embeddings with every enrolled person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from earwitnessd.calibration import Calibrator, RowStatistics
from earwitnessd.channel import Channel

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Score:
    """One person's likeness to one window."""

    speaker: str
    cosine: float
    normalised: float | None = None
    # by the cohort; None: there is no calibration
    llr: float | None = None
    # nats; None: there is no calibration


@dataclass(frozen=True, slots=True)
class Heard:
    """What a calibration wants to know of a window besides its embedding."""

    speech_s: float
    snr_db: float | None


@dataclass(frozen=True, eq=False)
class ProfileMatrix:
    """All exemplars of the model in use as rows of one matrix, sorted by person."""

    names: tuple[str, ...]
    # one a person, in row order
    first_rows: npt.NDArray[np.intp]
    # where each person's exemplars begin
    vectors: Vector
    # (exemplars, dimension), unit length
    calibrator: Calibrator | None = None
    rows: RowStatistics | None = None
    # the exemplars against the calibration's cohort
    speech_s: tuple[float, ...] = ()
    # net speech of each exemplar; empty where there is no calibration
    channels: Mapping[str, frozenset[Channel]] = field(default_factory=dict)
    # the kinds that each person's exemplars came through, where it is known of all of them

    @classmethod
    def build(
        cls,
        exemplars: Sequence[tuple[str, Vector]],
        calibrator: Calibrator | None = None,
        speech_s: Sequence[float] = (),
    ) -> ProfileMatrix:
        """From (person, unit vector) pairs in any order; a calibration wants each exemplar's net speech."""
        order = sorted(range(len(exemplars)), key=lambda index: exemplars[index][0])
        ordered = [exemplars[index] for index in order]
        names: list[str] = []
        first_rows: list[int] = []
        for row, (name, _) in enumerate(ordered):
            if not names or names[-1] != name:
                names.append(name)
                first_rows.append(row)
        vectors = np.array([vector for _, vector in ordered], dtype=np.float32)
        rows = calibrator.rows(vectors) if calibrator and names else None
        lengths = tuple(speech_s[index] for index in order) if rows else ()
        return cls(tuple(names), np.array(first_rows, dtype=np.intp), vectors, calibrator, rows, lengths)

    def scores(self, embedding: Vector) -> tuple[Score, ...]:
        """Everybody by cosine, the most alike first; a person scores as their nearest exemplar."""
        if not self.names:
            return ()
        cosines = self._cosines(embedding)
        order = np.argsort(-cosines, kind="stable")
        return tuple(Score(self.names[index], float(cosines[index])) for index in order)

    def evidence(self, embedding: Vector, heard: Heard) -> tuple[Score, ...]:
        """Everybody with log-likelihood ratios, the most alike first; without a calibration as `scores`."""
        if self.calibrator is None or self.rows is None:
            return self.scores(embedding)
        cosines = self._cosines(embedding)
        by_row = self.calibrator.normalised(self.rows, embedding)
        normalised = np.maximum.reduceat(by_row, self.first_rows)
        row_llrs = self.calibrator.llrs(by_row, self.speech_s, heard.speech_s, heard.snr_db)
        llrs = np.maximum.reduceat(np.array(row_llrs), self.first_rows)
        order = np.lexsort((-normalised, -llrs))
        return tuple(
            Score(
                self.names[index],
                float(cosines[index]),
                float(normalised[index]),
                float(llrs[index]),
            )
            for index in order
        )

    def _cosines(self, embedding: Vector) -> Vector:
        products = np.clip(self.vectors @ embedding, -1.0, 1.0)  # rounding may lead beyond
        cosines: Vector = np.maximum.reduceat(products, self.first_rows)
        return cosines
