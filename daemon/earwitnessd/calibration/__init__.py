"""From cosines to evidence: scores normalised by a cohort, and mapped to log-likelihood ratios."""

from earwitnessd.calibration.calibration import (
    Calibration,
    CalibrationError,
    Figures,
    Points,
    Share,
    Weights,
)
from earwitnessd.calibration.calibrator import Calibrator, RowStatistics
from earwitnessd.calibration.cohort import Cohort
from earwitnessd.calibration.files import read_calibrator

__all__ = [
    "Calibration",
    "CalibrationError",
    "Calibrator",
    "Cohort",
    "Figures",
    "Points",
    "RowStatistics",
    "Share",
    "Weights",
    "read_calibrator",
]
