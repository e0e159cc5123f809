"""The enrolled people: added, changed, removed."""

from __future__ import annotations

from .base import Event


class ProfileEnrolled(Event, frozen=True, kw_only=True, tag="profile.enrolled"):
    """A new person."""

    speaker: str
    exemplars: int
    speech_s: float
    # net speech the new exemplar rests on


class ProfileUpdated(Event, frozen=True, kw_only=True, tag="profile.updated"):
    """One more exemplar, or another name."""

    speaker: str
    exemplars: int
    renamed_from: str | None = None


class ProfileDeleted(Event, frozen=True, kw_only=True, tag="profile.deleted"):
    """A person and all exemplars are gone."""

    speaker: str
