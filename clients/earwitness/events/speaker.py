"""The decision: who is speaking on a stream."""

from __future__ import annotations

import msgspec

from .base import StreamEvent
from .units import Cosine, Fraction, LogRatio, Samples, Seconds


class SpeakerVerified(StreamEvent, frozen=True, kw_only=True, tag="speaker.verified"):
    """An enrolled person is speaking; said again while it stays so, before `ttl_s` runs out."""

    state_group = "speaker"

    speaker: str
    """who"""
    score: Cosine
    """mean cosine of the windows the decision rests on"""
    threshold: Cosine
    """what the score had to reach; where `llr` is not null, that decided, and this only compares"""
    posterior: Fraction | None = None
    """probability; null: the model has no calibration"""
    llr: LogRatio | None = None
    """log likelihood ratio by all that was heard lately; null: decided by cosine"""
    llr_bound: LogRatio | None = None
    """what `llr` has to reach for somebody to be newly verified; null: decided by cosine"""
    groups: list[str] = msgspec.field(default_factory=list)
    """the groups this person belongs to, by name"""
    runner_up: str | None
    """who else is most alike; null: only one person is enrolled"""
    margin: Cosine | None
    """score minus the runner-up's; null: only one person is enrolled"""
    evidence_s: Seconds
    """net speech since this person was first verified"""
    since: Samples
    """position at which this person was first verified"""
    ttl_s: Seconds
    """without a newer event, treat as no longer true after this"""
    doubts: list[str] = msgspec.field(default_factory=list)
    """what makes it doubtful: `channel_mismatch` (enrolled over another kind of channel only)"""


class SpeakerChanged(StreamEvent, frozen=True, kw_only=True, tag="speaker.changed"):
    """Another voice took over from a verified one; what it is follows in its own event."""

    previous: str
    """who was verified"""
    speaker: str | None
    """who took over; null: the new voice is unknown"""


class SpeakerUnknown(StreamEvent, frozen=True, kw_only=True, tag="speaker.unknown"):
    """Somebody speaks who is none of the enrolled."""

    state_group = "speaker"

    nearest: str | None
    """the enrolled person most alike; null: nobody is enrolled"""
    score: Cosine | None
    """mean cosine to the nearest"""
    threshold: Cosine
    """what the score would have to reach; where `llr` is not null, that decided, and this only compares"""
    posterior: Fraction | None = None
    """probability that it is none of them; null: decided by cosine"""
    llr: LogRatio | None = None
    """highest log likelihood ratio of anybody, by all that was heard lately; null: decided by cosine"""
    llr_bound: LogRatio | None = None
    """what everybody's `llr` has to fall to for a voice to be newly unknown; null: decided by cosine"""
    evidence_s: Seconds
    """net speech of the unknown voice"""
    ttl_s: Seconds
    """without a newer event, treat as no longer true after this"""
    doubts: list[str] = msgspec.field(default_factory=list)
    """what makes it doubtful: `channel_mismatch` (the nearest is enrolled over another kind only)"""


class SpeakerLost(StreamEvent, frozen=True, kw_only=True, tag="speaker.lost"):
    """Nothing supported the decision for `ttl_s`: it is not known who is there."""

    state_group = "speaker"

    previous: str | None
    """who was verified; null: the voice was unknown"""
    reason: str
    """`silence`, `inconclusive`, `stream`, `profile`"""
