"""How an enrolment from live audio is getting on."""

from __future__ import annotations

from typing import Literal

from .base import Event
from .units import Cosine, Decibels, FullScale, Seconds

EnrolmentState = Literal["listening", "done", "refused", "cancelled"]


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
    """lowest cosine of one window to the mean of the others"""
