"""What is answered about consent, retention, export and failed checks."""

from __future__ import annotations

import msgspec

from ..events.units import Seconds, Timestamp


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """That a person agreed."""

    at: Timestamp
    """when it was recorded"""
    by: str
    """who recorded it: `uid 1000`, `key kitchen`"""
    text: str
    """what was agreed to, or where that is written"""


class Custody(msgspec.Struct, frozen=True, kw_only=True):
    """In `profiles.show`: on what terms a person is kept."""

    consent: Consent | None = None
    """null: none is recorded"""
    keep_until: str | None = None
    """date; deleted from then on; null: no end is set for this person"""
    last_heard: str = ""
    """date of the last verdict, or of enrolling; empty: not known"""
    failed_checks: int = 0
    """in a row: `check` asked for this person, and somebody else was heard"""
    wait_s: Seconds = 0.0
    """so long no check for this person is allowed"""
    unreadable: list[str] = msgspec.field(default_factory=list)
    """sessions whose template does not open: it was changed, or is another's"""


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `profiles.export`."""

    name: str
    """the person"""
    sessions: int
    """in it"""
    content: bytes
    """the encrypted file, in base64"""


class CheckBegun(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `check.begin`."""

    attempt: str
    """to end it with; empty: it may not begin yet"""
    wait_s: Seconds
    """until a check is allowed; 0: it has begun"""
    failures: int
    """in a row so far"""
