"""One window of audio, and how it compares with every profile."""

from __future__ import annotations

import msgspec

from .base import StreamEvent


class ProfileScore(msgspec.Struct, frozen=True, kw_only=True):
    """One profile against one window."""

    speaker: str
    cosine: float
    # -1 to 1, to the nearest exemplar of this person
    normalised: float | None = None
    # after score normalisation; null: the model has no cohort
    llr: float | None = None
    # natural-log likelihood ratio; null: the model has no calibration


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Where the time went, from the window's last sample to publishing, in milliseconds."""

    capture: float
    # from the last sample's arrival in the capture process to the engine
    queue: float
    # waiting for the engine
    embed: float
    # the batch this window was in
    decide: float
    # scoring and deciding
    total: float


class WindowScored(StreamEvent, frozen=True, kw_only=True, tag="window.scored"):
    """A window was heard; `scores` is empty if it was not embedded."""

    speech_s: float
    # net speech in the window
    level_dbfs: float
    peak_dbfs: float
    snr_db: float | None
    # null: no pause or no speech to measure it by
    clipped: float
    # fraction of samples at full scale
    inconclusive: list[str]
    # why this window decides nothing: too_little_speech, gap, clipped, low_snr, margin, ...
    scores: list[ProfileScore]
    # highest first
    latency_ms: Latency
