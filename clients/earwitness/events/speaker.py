"""The decision: who is speaking on a stream."""

from __future__ import annotations

from .base import StreamEvent


class SpeakerVerified(StreamEvent, frozen=True, kw_only=True, tag="speaker.verified"):
    """An enrolled person is speaking; said again while it stays so, before `ttl_s` runs out."""

    state_group = "speaker"

    speaker: str
    score: float
    # mean cosine of the windows the decision rests on
    threshold: float
    posterior: float | None = None
    # probability, 0 to 1; null: the model has no calibration
    runner_up: str | None
    margin: float | None
    # score minus the runner-up's; null: only one person is enrolled
    evidence_s: float
    # net speech since this person was first verified
    since: int
    # position at which this person was first verified
    ttl_s: float
    # without a newer event, treat as no longer true after this


class SpeakerChanged(StreamEvent, frozen=True, kw_only=True, tag="speaker.changed"):
    """Another voice took over from a verified one; what it is follows in its own event."""

    previous: str
    speaker: str | None
    # null: the new voice is unknown


class SpeakerUnknown(StreamEvent, frozen=True, kw_only=True, tag="speaker.unknown"):
    """Somebody speaks who is none of the enrolled."""

    state_group = "speaker"

    nearest: str | None
    score: float | None
    # cosine of the nearest
    threshold: float
    evidence_s: float
    ttl_s: float


class SpeakerLost(StreamEvent, frozen=True, kw_only=True, tag="speaker.lost"):
    """Nobody has been heard well enough for long enough: nothing is known about who is there."""

    state_group = "speaker"

    previous: str | None
    # who was verified; null: the voice was unknown
    reason: str
    # "silence", "inconclusive", "stream", "profile"
