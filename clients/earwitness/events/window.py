"""One window of audio, and how it compares with every profile."""

from __future__ import annotations

import msgspec

from .base import StreamEvent
from .units import Cosine, Decibels, Fraction, FullScale, LogRatio, Milliseconds, Seconds


class ProfileScore(msgspec.Struct, frozen=True, kw_only=True):
    """One profile against one window."""

    speaker: str
    """whose profile"""
    cosine: Cosine
    """to the nearest exemplar of this person"""
    normalised: float | None = None
    """after score normalisation; null: decided by cosine"""
    llr: LogRatio | None = None
    """log likelihood ratio, of this window alone; null: decided by cosine"""
    evidence: LogRatio | None = None
    """log likelihood ratio of all that was heard up to this window, as far as it is remembered; null:
    decided by cosine"""
    accept: LogRatio | None = None
    """what `evidence` has to reach for this person to be verified; null: decided by cosine"""
    reject: LogRatio | None = None
    """what everybody's `evidence` has to fall to for the voice to be unknown; null: decided by cosine"""


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Where the time went, from the window's last sample to publishing."""

    capture: Milliseconds
    """from the last sample's arrival in the capture process to the engine"""
    queue: Milliseconds
    """waiting for the engine"""
    embed: Milliseconds
    """the batch this window was in"""
    decide: Milliseconds
    """scoring and deciding"""
    total: Milliseconds
    """all of these"""


class WindowScored(StreamEvent, frozen=True, kw_only=True, tag="window.scored"):
    """A window was heard: each hop, 0.5 s by default."""

    speech_s: Seconds
    """net speech in the window"""
    level_dbfs: FullScale
    """mean power"""
    peak_dbfs: FullScale
    """highest sample"""
    snr_db: Decibels | None
    """null: no pause or no speech to measure it by"""
    clipped: Fraction
    """how many of the samples are at full scale"""
    overlap: Fraction | None = None
    """how much of the window two people speak in at once; null: no model listens for that (`overlap.model`),
    or the window was not embedded"""
    inconclusive: list[str]
    """why this window decides nothing: `too_little_speech`, `gap`, `clipped`, `low_snr`, `overlap` (two
    people speak at once; where a model that hears it is set), `not_finite` (the device delivered NaN),
    `not_embedded` (the engine was not done in time),
    `channel_mismatch` (where the settings make it so: another kind of channel than the likeliest person was
    enrolled over), `margin` (two people are too close), `undecided` (the evidence speaks for nobody and
    against nobody enough), `no_profiles`"""
    channel: str | None = None
    """what the stream's speech comes through, by its spectrum of late: `wideband` or `telephone`; null: it
    cannot be told"""
    doubts: list[str] = msgspec.field(default_factory=list)
    """what makes the window doubtful but not inconclusive: `channel_mismatch`"""
    advice: str = ""
    """for people: what to do about a doubt; empty: there is none"""
    scores: list[ProfileScore]
    """the most alike first, no more than `windows.scores` and whoever is in force, being enrolled or named
    in `decision.people`; empty if the window was not embedded"""
    people: int = 0
    """so many the window was compared with, in `scores` or not"""
    latency_ms: Latency
    """where the time went"""
