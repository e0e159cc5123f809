"""The ratios of trials are those of the daemon's calibration."""

from __future__ import annotations

import numpy as np
import pytest

from earwitnessd.calibration import Calibration, Calibrator, Cohort, Figures, Points, Share, Weights
from earwitnessd.evaluation.calibrated import bars_of, llrs_of
from earwitnessd.evaluation.speech import TrialQuality
from earwitnessd.evaluation.trials import Crop, Trial

MODEL = "tiny@0"


def calibrator() -> Calibrator:
    random = np.random.default_rng(0)
    points = Points(strangers=(Share(share=0.01, llr=3.0),), enrolled=(Share(share=0.05, llr=-2.0),))
    calibration = Calibration(
        version=1,
        model_id=MODEL,
        cohort_sha256="",
        weights=Weights(intercept=-1.0, score=0.5, speech=0.2, snr=0.1),
        trials=points,
        turns=points,
        window_correlation=0.3,
        threshold=0.5,
        prior=0.1,
        data="made up",
        made="2026-11-20",
        figures=Figures(trials=0, targets=0, speakers=0, eer=0.0, cllr=0.0, min_cllr=0.0),
    )
    return Calibrator(Cohort.of(MODEL, list(random.normal(size=(50, 8)).astype(np.float32)), 20), calibration)


def test_each_trial_is_scored_as_the_daemon_would() -> None:
    random = np.random.default_rng(1)
    names = ["a", "b", "c"]
    vectors = {}
    for name in names:
        vector = random.normal(size=8)
        vectors[Crop(name)] = (vector / np.linalg.norm(vector)).astype(np.float32)
    trials = [
        Trial(True, Crop(ours), Crop(theirs), line)
        for line, (ours, theirs) in enumerate([("c", "a"), ("a", "b"), ("c", "b"), ("a", "a")], start=1)
    ]
    quality = TrialQuality(
        enrolled_s=np.array([5.0, 10.0, 5.0, 20.0]),
        speech_s=np.array([1.0, 2.0, 3.0, 4.0]),
        snr_db=np.array([np.nan, 10.0, 20.0, np.nan]),
    )
    scorer = calibrator()
    llrs = llrs_of(scorer, trials, vectors, quality)
    for number, trial in enumerate(trials):
        rows = scorer.rows(vectors[trial.enrolment][np.newaxis])
        snr_db = quality.snr_db[number]
        [expected] = scorer.llrs(
            scorer.normalised(rows, vectors[trial.test]),
            [quality.enrolled_s[number]],
            quality.speech_s[number],
            None if np.isnan(snr_db) else snr_db,
        )
        assert llrs[number] == pytest.approx(expected, abs=1e-4)
    assert llrs.argmax() == 3  # the same recording twice


def test_the_bars_are_those_of_whole_recordings() -> None:
    bars = bars_of(calibrator().calibration, {"0.01": 0.01}, target_fnmr=0.05)
    assert bars == {"0.01": pytest.approx(3.0)}
