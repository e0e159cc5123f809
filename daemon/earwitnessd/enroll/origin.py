"""Where an enrolment session comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """For people, and to compare channels by."""

    source: str
    # "stream desk", "file anna.wav"
    label: str = ""
    # what kind of channel the settings, or whoever sent the file, call it
    device: str = ""
    # what the source called itself
    native_rate: int | None = None
    # Hz, before resampling
