"""The daemon's log-likelihood ratios for the trials of a list, each recording taken as a whole."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from earwitnessd.calibration import Calibration, Calibrator
from earwitnessd.evaluation.metrics import Scores
from earwitnessd.evaluation.speech import TrialQuality
from earwitnessd.evaluation.trials import Crop, Trial


def llrs_of(
    calibrator: Calibrator,
    trials: Sequence[Trial],
    vectors: Mapping[Crop, NDArray[np.float32]],
    quality: TrialQuality,
) -> Scores:
    """Normalised by the cohort, mapped with the net speech of both recordings and the SNR of the second."""
    enrolments = sorted({trial.enrolment for trial in trials})
    row = {crop: index for index, crop in enumerate(enrolments)}
    rows = calibrator.rows(np.stack([vectors[crop] for crop in enrolments]))
    normalised = {crop: calibrator.normalised(rows, vectors[crop]) for crop in {t.test for t in trials}}
    llrs = []
    for number, trial in enumerate(trials):
        score = normalised[trial.test][[row[trial.enrolment]]]
        snr_db = float(quality.snr_db[number])
        llrs += calibrator.llrs(
            score,
            [float(quality.enrolled_s[number])],
            float(quality.speech_s[number]),
            None if math.isnan(snr_db) else snr_db,
        )
    return np.array(llrs)


def bars_of(
    calibration: Calibration, false_match_rates: Mapping[str, float], target_fnmr: float
) -> dict[str, float]:
    """The LLR that one whole recording has to reach, by target false-match rate."""
    return {name: calibration.trials.accept(rate, target_fnmr) for name, rate in false_match_rates.items()}
