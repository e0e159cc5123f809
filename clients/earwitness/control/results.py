"""What the daemon answers to each request."""

from __future__ import annotations

import msgspec

from ..events import Heartbeat


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `status`."""

    version: str
    pid: int
    boot: str
    heartbeat: Heartbeat
    # a fresh one, not the last published


class ProfileSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A person, in a list."""

    name: str
    created: str
    # RFC 3339 UTC
    exemplars: int
    usable: int
    # exemplars of the model in use; the others cannot be compared
    speech_s: float


class Profiles(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `profiles.list`."""

    model_id: str
    profiles: list[ProfileSummary]


class Exemplar(msgspec.Struct, frozen=True, kw_only=True):
    """One enrolment session of a person."""

    created: str
    model_id: str
    usable: bool
    label: str
    # the channel it was recorded on
    source: str
    # "stream desk", "file anna.wav"
    speech_s: float
    windows: int
    consistency: float | None
    # lowest cosine of one window to the mean of the others
    snr_db: float | None


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `profiles.show`."""

    name: str
    created: str
    exemplars: list[Exemplar]
    nearest: str | None
    # the other person this one sounds most like
    nearest_cosine: float | None


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `enroll.live`: it has begun."""

    enrolment: str
    stream: str
    needed_s: float


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `enroll.audio`: it is done."""

    name: str
    exemplars: int
    speech_s: float
    consistency: float | None
    snr_db: float | None
    warnings: list[str]


class Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `reload`."""

    profiles: int
    changed: list[str]
    restart_needed: list[str]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """Answer where there is nothing to say."""

    message: str = "done"
