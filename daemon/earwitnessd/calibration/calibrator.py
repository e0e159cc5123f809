"""Normalises scores by a cohort and maps them to log-likelihood ratios: what the engine scores with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from earwitnessd.calibration.calibration import (
    ENROLLED_RANGE_S,
    LLR_LIMIT,
    REFERENCE_ENROLLED_S,
    Calibration,
    quality_terms,
    shift_of,
)
from earwitnessd.calibration.cohort import Cohort, Floats, Vectors


@dataclass(frozen=True, eq=False, slots=True)
class RowStatistics:
    """The profile side of score normalisation, computed once when profiles are read."""

    centred: Vectors
    # (exemplars, dimension)
    middle: Floats
    spread: Floats


@dataclass(frozen=True, eq=False, slots=True)
class Calibrator:
    """One model's cohort and the calibration that was fitted with it."""

    cohort: Cohort
    calibration: Calibration

    def rows(self, exemplars: Vectors) -> RowStatistics:
        """What must be known of each exemplar beforehand."""
        return row_statistics(self.cohort, exemplars)

    def normalised(self, rows: RowStatistics, embedding: Vectors) -> Floats:
        """The window's normalised score against each exemplar."""
        return normalised_scores(self.cohort, rows, embedding)

    def llrs(
        self, scores: Floats, enrolled_s: Sequence[float], speech_s: float, snr_db: float | None
    ) -> list[float]:
        """Natural-log likelihood ratio of the normalised score against each exemplar."""
        weights = self.calibration.weights
        lengths = np.log(np.clip(enrolled_s, *ENROLLED_RANGE_S) / REFERENCE_ENROLLED_S)
        llrs = max(0.0, weights.score) * np.asarray(scores, dtype=np.float64) + weights.enrolled * lengths
        llrs += shift_of(weights, *quality_terms(speech_s, snr_db))
        found: list[float] = np.clip(llrs, -LLR_LIMIT, LLR_LIMIT).tolist()
        return found


def row_statistics(cohort: Cohort, exemplars: Vectors) -> RowStatistics:
    """Centred exemplars with the mean and spread of their cosines to the cohort."""
    centred = cohort.centred(exemplars)
    return RowStatistics(centred, *cohort.statistics(centred))


def normalised_scores(cohort: Cohort, rows: RowStatistics, embedding: Vectors) -> Floats:
    """Adaptive symmetric normalisation: half by the exemplar's cohort statistics, half by the window's."""
    centred = cohort.centred(embedding)
    middle, spread = cohort.statistics(centred)
    cosines = rows.centred @ centred
    scores: Floats = 0.5 * ((cosines - rows.middle) / rows.spread + (cosines - middle[0]) / spread[0])
    return np.asarray(scores, dtype=np.float32)
