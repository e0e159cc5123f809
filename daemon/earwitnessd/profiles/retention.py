"""Who has been kept long enough: pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from earwitnessd.profiles.keeping import Keeping

Reason = Literal["keep_until", "keep_days", "unheard"]
Over = tuple[str, Reason]
# whose time is over, and why


@dataclass(frozen=True, slots=True)
class Terms:
    """For how long people are kept; 0: for ever."""

    keep_days: float = 0.0
    forget_after_days_unheard: float = 0.0


@dataclass(frozen=True, slots=True)
class Kept:
    """One person."""

    name: str
    created: str
    # RFC 3339 UTC
    keeping: Keeping


def expired(people: Iterable[Kept], terms: Terms, now: datetime) -> list[Over]:
    """Who is to be deleted, and why."""
    found = ((person.name, _reason(person, terms, now)) for person in people)
    return [(name, reason) for name, reason in found if reason]


def _reason(person: Kept, terms: Terms, now: datetime) -> Reason | None:
    keeping = person.keeping
    if keeping.keep_until and now.date() >= date.fromisoformat(keeping.keep_until):
        return "keep_until"
    created = datetime.fromisoformat(person.created)
    if terms.keep_days and now >= created + timedelta(days=terms.keep_days):
        return "keep_days"
    if terms.forget_after_days_unheard and keeping.last_heard:
        heard = datetime.combine(date.fromisoformat(keeping.last_heard), datetime.min.time(), UTC)
        if now >= heard + timedelta(days=terms.forget_after_days_unheard + 1):  # it was some time that day
            return "unheard"
    return None


def last_seen_s(people: Iterable[Kept]) -> float:
    """Unix time of the latest that is stored of anybody, a day to its end; 0: nobody."""
    return max((_seen(person).timestamp() for person in people), default=0.0)


def _seen(person: Kept) -> datetime:
    created = datetime.fromisoformat(person.created)
    if not person.keeping.last_heard:
        return created
    heard = date.fromisoformat(person.keeping.last_heard) + timedelta(days=1)
    return max(created, datetime.combine(heard, datetime.min.time(), UTC))
