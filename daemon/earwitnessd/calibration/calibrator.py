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
class Sides:
    """How voices stand to the cohort: one value each."""

    middle: Floats
    # of each one's cosines to the cohort
    oddity: Floats
    # natural logarithm of the distance
    distance: Floats
    # from what all voices have in common

    @classmethod
    def joined(cls, sides: Sequence[Sides]) -> Sides:
        """One after the other."""
        return cls(
            np.concatenate([each.middle for each in sides]),
            np.concatenate([each.oddity for each in sides]),
            np.concatenate([each.distance for each in sides]),
        )


@dataclass(frozen=True, eq=False, slots=True)
class RowStatistics:
    """A voice's side of score normalisation: of profiles it is computed once, when they are read."""

    centred: Vectors
    # (voices, dimension)
    sides: Sides


@dataclass(frozen=True, eq=False, slots=True)
class Calibrator:
    """One model's cohort and the calibration that was fitted with it."""

    cohort: Cohort
    calibration: Calibration

    def rows(self, exemplars: Vectors) -> RowStatistics:
        """What must be known of each exemplar, or of a window, whoever it is compared with."""
        return row_statistics(self.cohort, exemplars)

    def normalised(self, rows: RowStatistics, embedding: Vectors) -> Floats:
        """The window's normalised score against each exemplar, as the calibration corrects it."""
        window = self.rows(embedding[np.newaxis])
        return self.compared(rows.centred @ window.centred[0], rows.sides, window.sides)

    def compared(self, cosines: Floats, sides: Sides, window: Sides) -> Floats:
        """The same from cosines between what is centred, and what is known of each exemplar."""
        weights = self.calibration.weights
        scores = adapted(self.cohort, cosines, sides.middle, window.middle)
        scores += weights.oddity * (sides.oddity + window.oddity)
        if weights.cosine:
            scores += weights.cosine * tenths(cosines, sides.distance, window.distance)
        return scores

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
        return np.maximum(np.minimum(llrs, LLR_LIMIT, out=llrs), -LLR_LIMIT, out=llrs)


def length_terms(enrolled_s: Sequence[float]) -> Doubles:
    """The net speech of each enrolment as the calibration sees it."""
    terms: Doubles = np.log(np.clip(enrolled_s, *ENROLLED_RANGE_S) / REFERENCE_ENROLLED_S)
    return terms


def row_statistics(cohort: Cohort, voices: Vectors) -> RowStatistics:
    """Centred, with what each scores against the cohort."""
    centred, distance = cohort.centred(voices), cohort.distance(voices)
    return RowStatistics(centred, Sides(cohort.middle(centred), np.log(distance), distance))


def normalised_scores(cohort: Cohort, rows: RowStatistics, window: RowStatistics) -> Floats:
    """Adaptive symmetric normalisation: half by the exemplar's cohort cosines, half by the window's.

    Divided by one spread for all: with each voice's own, as is usual, the built-in model misses more where
    false matches are to be rare (`tests/benchmarks/normalisations.py`).
    """
    cosines = rows.centred @ window.centred[0]
    return adapted(cohort, cosines, rows.sides.middle, window.sides.middle)


def adapted(cohort: Cohort, cosines: Floats, middle: Floats, window_middle: Floats) -> Floats:
    """The same from cosines and from what both sides score against the cohort."""
    scores = (cosines - 0.5 * (middle + window_middle)) / cohort.spread
    return np.asarray(scores, dtype=np.float32)


def tenths(centred_cosines: Floats, distances: Floats, window_distance: Floats) -> Floats:
    """Plain cosines in tenths, by the law of cosines: nobody's template is read once more for them."""
    apart = distances * (distances - 2.0 * window_distance * centred_cosines) + np.square(window_distance)
    found: Floats = 10.0 - 5.0 * apart
    return found
