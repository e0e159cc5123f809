"""How an enrolment from live audio is getting on."""

from __future__ import annotations

from typing import Literal

from .base import Event

EnrolmentState = Literal["listening", "done", "refused", "cancelled"]


class EnrollProgress(Event, frozen=True, kw_only=True, tag="enroll.progress"):
    """Said for each window heard during an enrolment, and once at its end."""

    enrolment: str
    stream: str
    speaker: str
    state: EnrolmentState
    speech_s: float
    # net speech collected
    needed_s: float
    hint: str
    # what to do: "keep talking", "move closer to the microphone", or why it was refused
    level_dbfs: float | None = None
    snr_db: float | None = None
    consistency: float | None = None
    # lowest cosine of one window to the mean of the others
