"""How an enrolment from live audio is getting on."""

from __future__ import annotations

from typing import Literal

import msgspec

from .base import Event
from .units import Cosine, Decibels, Fraction, FullScale, LogRatio, Seconds

EnrolmentState = Literal["listening", "done", "refused", "cancelled"]


class OtherVoice(msgspec.Struct, frozen=True, kw_only=True):
    """The stretch of an enrolment that another person seems to speak in."""

    start_s: Seconds
    """since the enrolment's first window began"""
    stop_s: Seconds
    """where it ends"""
    cosine: Cosine
    """of that stretch to the rest"""
    llr: LogRatio | None = None
    """evidence that both are one voice; null: the model has no calibration"""


class EnrollProgress(Event, frozen=True, kw_only=True, tag="enroll.progress"):
    """Said for each window heard during an enrolment, and once at its end."""

    enrolment: str
    """which; `enroll.live` answered it"""
    stream: str
    """where it listens"""
    speaker: str
    """who is being enrolled"""
    state: EnrolmentState
    """all but `listening` are its end"""
    speech_s: Seconds
    """net speech collected"""
    needed_s: Seconds
    """net speech asked for"""
    hint: str
    """what to do, for people, or why it was refused"""
    level_dbfs: FullScale | None = None
    """of the last window"""
    snr_db: Decibels | None = None
    """of the last window; null: it cannot be measured yet"""
    consistency: Cosine | None = None
    """lowest cosine of one window to the mean of the others that share no audio with it"""
    consistency_llr: LogRatio | None = None
    """evidence of the middle window that it is the voice of the others; null: the model has no calibration"""
    session_snr_db: Decibels | None = None
    """of the middle window so far"""
    clipped: Fraction | None = None
    """how many samples of the windows taken are at full scale; null: none was taken"""
    windows: int = 0
    """taken"""
    unusable: int = 0
    """heard, but not taken: without speech, too noisy, clipped, with lost audio"""
    channel: str | None = None
    """`wideband` or `telephone`, by the spectrum; null: it cannot be told yet"""
    other_voice: OtherVoice | None = None
    """where somebody else seems to speak; null: nowhere"""
    warnings: list[str] = msgspec.field(default_factory=list)
    """for people, at the end: what is poor, and what would make it better"""
