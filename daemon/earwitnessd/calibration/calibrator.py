"""Normalises scores by a cohort and maps them to log-likelihood ratios: what the engine scores with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
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
from earwitnessd.calibration.cohort import LEAST_DISTANCE, Cohort, Floats, Vectors

Doubles = npt.NDArray[np.float64]
R = TypeVar("R", float, Floats)  # of one voice, or of many


class Side(msgspec.Struct, frozen=True):
    """How one voice stands to the cohort, as in `Sides`."""

    middle: float
    oddity: float
    distance: float


@dataclass(frozen=True, eq=False, slots=True)
class Sides:
    """How voices stand to the cohort: one value each."""

    middle: Floats
    # of each one's cosines to the cohort
    oddity: Floats
    # natural logarithm of the distance
    distance: Floats
    # from what all voices have in common

    def each(self) -> list[Side]:
        """One by one."""
        columns = self.middle.tolist(), self.oddity.tolist(), self.distance.tolist()
        return [Side(*values) for values in zip(*columns, strict=True)]

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


class Placed(msgspec.Struct, frozen=True, eq=False):
    """The same of one window, which is new each time."""

    apart: Vectors
    # (dimension): from what all voices have in common
    scale: float
    # makes it one of unit length; numbers are scaled sooner than vectors
    side: Side


@dataclass(frozen=True, eq=False, slots=True)
class Calibrator:
    """One model's cohort and the calibration that was fitted with it."""

    cohort: Cohort
    calibration: Calibration

    def rows(self, exemplars: Vectors) -> RowStatistics:
        """What must be known of each exemplar, whoever it is compared with."""
        return row_statistics(self.cohort, exemplars)

    def placed(self, embedding: Vectors) -> Placed:
        """What must be known of a window, whoever it is compared with."""
        apart = embedding - self.cohort.mean
        distance = math.sqrt(np.dot(apart, apart))
        scale = 1.0 / max(distance, 1e-12)
        distance = max(distance, LEAST_DISTANCE)
        return Placed(apart, scale, Side(self.cohort.middle_of(apart) * scale, math.log(distance), distance))

    def normalised(self, rows: RowStatistics, embedding: Vectors) -> Floats:
        """The window's normalised score against each exemplar, as the calibration corrects it."""
        window = self.placed(embedding)
        return self.compared(rows.centred @ window.apart * np.float32(window.scale), rows.sides, window.side)

    def compared(self, cosines: Floats, sides: Sides, window: Side) -> Floats:
        """The same from cosines between what is centred, and what is known of each exemplar."""
        return self._score(cosines, sides.middle, sides.oddity, sides.distance, window)

    def score(self, cosine: float, exemplar: Side, window: Side) -> float:
        """The same of one."""
        return self._score(cosine, exemplar.middle, exemplar.oddity, exemplar.distance, window)

    def _score(self, cosine: R, middle: R, oddity: R, distance: R, window: Side) -> R:
        weights = self.calibration.weights
        score: Any = adapted(self.cohort, cosine, middle, window.middle)
        score = score + weights.oddity * (oddity + window.oddity)
        if weights.cosine:
            score = score + weights.cosine * tenths(cosine, distance, window.distance)
        found: R = score
        return found

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

    def each_mapped(
        self, scores: Sequence[float], lengths: Sequence[float], speech_s: float, snr_db: float | None
    ) -> list[float]:
        """The same one by one."""
        weights = self.calibration.weights
        steepness, shift = max(0.0, weights.score), shift_of(weights, *quality_terms(speech_s, snr_db))
        llrs = [
            steepness * score + weights.enrolled * length + shift
            for score, length in zip(scores, lengths, strict=True)
        ]
        return [max(min(llr, LLR_LIMIT), -LLR_LIMIT) for llr in llrs]


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
    return adapted(cohort, cosines, rows.sides.middle, float(window.sides.middle[0]))


def adapted(cohort: Cohort, cosine: R, middle: R, window_middle: float) -> R:
    """The same from a cosine and from what both sides score against the cohort."""
    score: Any = (cosine - 0.5 * (middle + window_middle)) / cohort.spread
    found: R = score
    return found


def tenths(centred_cosine: R, distance: R, window_distance: float) -> R:
    """A plain cosine in tenths, by the law of cosines: nobody's template is read once more for it."""
    apart = distance * (distance - 2.0 * window_distance * centred_cosine) + window_distance**2
    found: R = 10.0 - 5.0 * apart
    return found
