"""Compares parts of recordings in one currency: calibrated evidence, or cosine where there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earwitnessd.calibration import Calibrator
from earwitnessd.calibration.cohort import unit
from earwitnessd.score import Vector

Vectors = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How much two parts sound like one voice."""

    cosine: float
    llr: float | None
    # nats; None: there is no calibration

    def __str__(self) -> str:
        """For people."""
        return f"cosine {self.cosine:.2f}" if self.llr is None else f"evidence {self.llr:+.1f} nats"

    @property
    def rank(self) -> float:
        """To order by; of one likeness only."""
        return self.cosine if self.llr is None else self.llr


@dataclass(frozen=True, eq=False, slots=True)
class Likeness:
    """How parts are compared; `threshold` is the cosine that verification asks for."""

    threshold: float
    calibrator: Calibrator | None = None

    def rows(self, enrolled: Vectors, enrolled_s: Floats, heard: Vectors, heard_s: Floats) -> list[Agreement]:
        """Row by row, by directions of any length and the net speech they rest on."""
        ones, others = unit(enrolled), unit(heard)
        cosines = np.clip(np.sum(ones * others, axis=1), -1.0, 1.0).tolist()
        llrs = self._llrs(ones, enrolled_s, others, heard_s)
        return [Agreement(cosine, llr) for cosine, llr in zip(cosines, llrs, strict=True)]

    def one(self, enrolled: Vector, enrolled_s: float, heard: Vector, heard_s: float) -> Agreement:
        """Of two parts."""
        (agreement,) = self.rows(
            enrolled[np.newaxis], np.array([enrolled_s]), heard[np.newaxis], np.array([heard_s])
        )
        return agreement

    def falls_below(self, agreement: Agreement, llr: float, slack: float) -> bool:
        """Whether it is below this evidence, or by so much below the threshold where there is only cosine."""
        return agreement.cosine < self.threshold - slack if agreement.llr is None else agreement.llr < llr

    def _llrs(self, ones: Vectors, ones_s: Floats, others: Vectors, others_s: Floats) -> list[float | None]:
        if self.calibrator is None:
            return [None] * len(ones)
        scores = self.calibrator.paired(ones, others).tolist()
        lengths = zip(scores, ones_s.tolist(), others_s.tolist(), strict=True)
        return [
            self.calibrator.calibration.llr(score, one_s, other_s, None) for score, one_s, other_s in lengths
        ]
