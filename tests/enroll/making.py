"""Windows as hearing gives them."""

from __future__ import annotations

import numpy as np

from earwitnessd.hearing import Arrival, HeardWindow
from earwitnessd.quality import Quality
from earwitnessd.windows import Window

LENGTH = 48_000


def heard(
    *,
    start: int = 0,
    speech_s: float = 2.5,
    new_speech_s: float = 1.25,
    reasons: tuple[str, ...] = (),
    snr_db: float | None = 20.0,
) -> HeardWindow:
    samples = np.zeros(LENGTH, dtype=np.float32)
    return HeardWindow(
        window=Window("desk", "desk-1", start, samples, ()),
        speech_s=speech_s,
        new_speech_s=new_speech_s,
        quality=Quality(finite=True, level_dbfs=-25.0, peak_dbfs=-10.0, clipping_ratio=0.0, snr_db=snr_db),
        reasons=reasons,
        arrival=Arrival(start + LENGTH, 0, 0),
    )
