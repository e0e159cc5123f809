"""The enrolled people: added, changed, removed."""

from __future__ import annotations

from .base import Event
from .units import Seconds


class ProfileEnrolled(Event, frozen=True, kw_only=True, tag="profile.enrolled"):
    """A new person."""

    speaker: str
    """the name"""
    exemplars: int
    """enrolment sessions of this person"""
    speech_s: Seconds
    """net speech the new exemplar rests on"""


class ProfileUpdated(Event, frozen=True, kw_only=True, tag="profile.updated"):
    """One more exemplar, another name, other groups, or another operating point."""

    speaker: str
    """the name, from now on"""
    exemplars: int
    """enrolment sessions of this person"""
    renamed_from: str | None = None
    """the name until now; null: it stays"""
    groups: list[str] | None = None
    """the groups this person belongs to from now on; null: they stay"""


class ProfileDeleted(Event, frozen=True, kw_only=True, tag="profile.deleted"):
    """A person and all exemplars are gone."""

    speaker: str
    """the name"""
    reason: str = "asked"
    """`asked`; or how their time was over: `keep_until`, `keep_days`, `unheard`"""
