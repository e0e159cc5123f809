"""A cohort and a calibration of speakers that are only vectors."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from earwitnessd.calibration import Calibration, Calibrator, Cohort, Figures, Points, Share, Weights
from earwitnessd.calibration.files import packed_cohort, write_calibrator

MODEL_ID = "small@1111"
DIMENSION = 16
FIGURES = Figures(trials=1000, targets=400, speakers=50, eer=0.05, cllr=0.2, min_cllr=0.19)
STRANGERS = (Share(share=0.5, llr=-3.0), Share(share=0.1, llr=1.0), Share(share=0.01, llr=2.0))
ENROLLED = (Share(share=0.5, llr=4.0), Share(share=0.1, llr=0.0), Share(share=0.05, llr=-1.0))
POINTS = Points(strangers=STRANGERS, enrolled=ENROLLED)


def cohort(speakers: int = 40, model_id: str = MODEL_ID, top: int = 20) -> Cohort:
    random = np.random.default_rng(5)
    vectors = random.standard_normal((speakers, DIMENSION)) + 0.5
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Cohort.of(model_id, list(vectors.astype(np.float32)), top)


def calibration(model_id: str = MODEL_ID, sha256: str = "") -> Calibration:
    return Calibration(
        version=1,
        model_id=model_id,
        cohort_sha256=sha256,
        weights=Weights(intercept=-1.0, score=0.8, enrolled=-0.5, speech=0.4, snr=0.1),
        trials=POINTS,
        turns=POINTS,
        window_correlation=0.6,
        threshold=0.62,
        prior=0.3,
        data="made for tests",
        made="2026-11-20",
        figures=FIGURES,
    )


def calibrator() -> Calibrator:
    return Calibrator(cohort(), calibration())


def write(directory: Path, model_id: str = MODEL_ID) -> None:
    """What `earwitnessd calibrate` leaves."""
    file = packed_cohort(cohort(model_id=model_id), "made for tests")
    write_calibrator(directory, file, calibration(model_id, hashlib.sha256(file).hexdigest()))
