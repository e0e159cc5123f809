"""Who has been kept long enough, and whether the clock may be believed: pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from earwitnessd.profiles.keeping import Keeping

DAY_S = 86_400.0
SLACK_S = 3600.0  # by which wall clock and monotonic clock may part between two looks
Reason = Literal["keep_until", "keep_days", "unheard"]


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


def expired(people: Iterable[Kept], terms: Terms, now: datetime) -> list[tuple[str, Reason]]:
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


class Believed:
    """Whether a clock that was set may delete people: not before it has gone on for a day by itself."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._since_s = 0.0

    def look(self, wall_s: float, monotonic_s: float) -> bool:
        """False after a jump, until a day has passed without another."""
        if self._last is None:
            self._last, self._since_s = (wall_s, monotonic_s), monotonic_s - DAY_S
            return True
        before_wall_s, before_s = self._last
        if abs((wall_s - before_wall_s) - (monotonic_s - before_s)) > SLACK_S:
            self._since_s = monotonic_s
        self._last = (wall_s, monotonic_s)
        return monotonic_s - self._since_s >= DAY_S
