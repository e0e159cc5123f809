"""Windows as hearing gives them."""

from __future__ import annotations

import numpy as np

from earwitnessd.calibration import Calibrator
from earwitnessd.enroll.collector import Collector
from earwitnessd.enroll.likeness import Likeness
from earwitnessd.enroll.taken import TakenWindow
from earwitnessd.hearing import Arrival, HeardWindow
from earwitnessd.quality import Quality
from earwitnessd.score import Vector
from earwitnessd.settings.enrolment import Enrolment
from earwitnessd.windows import Window

LENGTH = 48_000


def heard(
    *,
    start: int = 0,
    speech_s: float = 2.5,
    new_speech_s: float = 1.25,
    reasons: tuple[str, ...] = (),
    snr_db: float | None = 20.0,
    clipped: float = 0.0,
) -> HeardWindow:
    samples = np.zeros(LENGTH, dtype=np.float32)
    return HeardWindow(
        window=Window("desk", "desk-1", start, samples, ()),
        speech_s=speech_s,
        new_speech_s=new_speech_s,
        quality=Quality(
            finite=True, level_dbfs=-25.0, peak_dbfs=-10.0, clipping_ratio=clipped, snr_db=snr_db
        ),
        reasons=reasons,
        arrival=Arrival(start + LENGTH, 0, 0),
    )


def session(
    vectors: list[Vector], threshold: float, settings: Enrolment, calibrator: Calibrator | None = None
) -> Collector:
    """A recording with half-overlapping windows of these embeddings."""
    collector = Collector(Likeness(threshold, calibrator), settings)
    for number, vector in enumerate(vectors):
        collector.add(heard(start=number * LENGTH // 2), vector)
    return collector


def taken(vectors: list[Vector]) -> list[TakenWindow]:
    """Half-overlapping windows of these embeddings."""
    return [
        TakenWindow(
            start=number * LENGTH // 2,
            stop=number * LENGTH // 2 + LENGTH,
            speech_s=2.5,
            new_speech_s=1.25,
            clipped=0.0,
            snr_db=20.0,
            vector=vector,
        )
        for number, vector in enumerate(vectors)
    ]
