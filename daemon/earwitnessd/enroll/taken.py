"""The windows that an enrolment session has taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from earwitnessd.enroll.likeness import Floats, Vectors
from earwitnessd.score import Vector


@dataclass(frozen=True, eq=False, slots=True)
class TakenWindow:
    """A window without its audio."""

    start: int
    # sample, from the beginning of the session
    stop: int
    speech_s: float
    new_speech_s: float
    # of this, what the window before had not heard
    clipped: float
    # of its samples
    snr_db: float | None
    vector: Vector


Taken = Sequence[TakenWindow]


def vectors_of(taken: Taken) -> Vectors:
    """One row a window."""
    return np.array([window.vector for window in taken], dtype=np.float32)


def new_speech_of(taken: Taken) -> Floats:
    """Net speech that each window adds; the first one adds all it has."""
    speech_s = [window.new_speech_s for window in taken]
    return np.array([max(taken[0].speech_s, speech_s[0]), *speech_s[1:]]) if taken else np.zeros(0)
