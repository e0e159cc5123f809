"""Normalises scores by a cohort and maps them to log-likelihood ratios: what the engine scores with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earwitnessd.calibration.calibration import (
    ENROLLED_RANGE_S,
    LLR_LIMIT,
    REFERENCE_ENROLLED_S,
    Calibration,
    quality_terms,
    shift_of,
)
from earwitnessd.calibration.cohort import Cohort, Floats, Vectors

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class RowStatistics:
    """The profile side of score normalisation, computed once when profiles are read."""

    centred: Vectors
    # (exemplars, dimension)
    middle: Floats
    # of each one's cosines to the cohort
    oddity: Floats
    # of each one


@dataclass(frozen=True, eq=False, slots=True)
class Window:
    """The window's side of it."""

    centred: Vectors
    # (dimension)
    middle: np.float32
    # of its cosines to the cohort
    oddity: np.float32


@dataclass(frozen=True, eq=False, slots=True)
class Calibrator:
    """One model's cohort and the calibration that was fitted with it."""

    cohort: Cohort
    calibration: Calibration

    def rows(self, exemplars: Vectors) -> RowStatistics:
        """What must be known of each exemplar beforehand."""
        return row_statistics(self.cohort, exemplars)

    def window(self, embedding: Vectors) -> Window:
        """What must be known of a window, whoever it is compared with."""
        centred = self.cohort.centred(embedding)
        return Window(centred, self.cohort.middle(centred)[0], self.cohort.oddity(embedding)[0])

    def normalised(self, rows: RowStatistics, embedding: Vectors) -> Floats:
        """The window's normalised score against each exemplar, corrected by how odd both are."""
        window = self.window(embedding)
        return self.compared(rows.centred @ window.centred, rows.middle, rows.oddity, window)

    def compared(self, cosines: Floats, middle: Floats, oddity: Floats, window: Window) -> Floats:
        """The same from cosines between what is centred, and what is known of each exemplar."""
        odd: Floats = self.calibration.weights.oddity * (oddity + window.oddity)
        return adapted(self.cohort, cosines, middle, window.middle) + odd

    def paired(self, exemplars: Vectors, embeddings: Vectors) -> Floats:
        """The same, row by row."""
        scores = [
            self.normalised(self.rows(one[np.newaxis]), other)[0]
            for one, other in zip(exemplars, embeddings, strict=True)
        ]
        return np.array(scores, dtype=np.float32)

    def llrs(
        self, scores: Floats, enrolled_s: Sequence[float], speech_s: float, snr_db: float | None
    ) -> list[float]:
        """Natural-log likelihood ratio of the normalised score against each exemplar."""
        found: list[float] = self.mapped(scores, length_terms(enrolled_s), speech_s, snr_db).tolist()
        return found

    def mapped(self, scores: Floats, lengths: Doubles, speech_s: float, snr_db: float | None) -> Doubles:
        """The same from the length term of each exemplar."""
        weights = self.calibration.weights
        llrs: Doubles = (
            max(0.0, weights.score) * np.asarray(scores, dtype=np.float64) + weights.enrolled * lengths
        )
        llrs += shift_of(weights, *quality_terms(speech_s, snr_db))
        return np.clip(llrs, -LLR_LIMIT, LLR_LIMIT, out=llrs)


def length_terms(enrolled_s: Sequence[float]) -> Doubles:
    """The net speech of each enrolment as the calibration sees it."""
    terms: Doubles = np.log(np.clip(enrolled_s, *ENROLLED_RANGE_S) / REFERENCE_ENROLLED_S)
    return terms


def row_statistics(cohort: Cohort, exemplars: Vectors) -> RowStatistics:
    """Centred exemplars with the mean of their cosines to the cohort."""
    centred = cohort.centred(exemplars)
    return RowStatistics(centred, cohort.middle(centred), cohort.oddity(exemplars))


def normalised_scores(cohort: Cohort, rows: RowStatistics, embedding: Vectors) -> Floats:
    """Adaptive symmetric normalisation: half by the exemplar's cohort cosines, half by the window's.

    Divided by one spread for all: with each voice's own, as is usual, the built-in model misses more where
    false matches are to be rare (`tests/benchmarks/normalisations.py`).
    """
    centred = cohort.centred(embedding)
    return adapted(cohort, rows.centred @ centred, rows.middle, cohort.middle(centred)[0])


def adapted(cohort: Cohort, cosines: Floats, middle: Floats, window_middle: np.float32) -> Floats:
    """The same from cosines and from what both sides score against the cohort."""
    scores = (cosines - 0.5 * (middle + window_middle)) / cohort.spread
    return np.asarray(scores, dtype=np.float32)
