"""What an answer means, and how long to wait before trying again: pure."""

from __future__ import annotations

from typing import Literal

import msgspec

Fate = Literal["taken", "refused", "again"]

_LATER = (408, 429)  # request timeout, too many requests


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one POST."""

    status: int | None
    # None: there was no answer
    reason: str
    retry_after_s: float | None = None
    # what the receiver asks for

    @property
    def fate(self) -> Fate:
        """2xx is an acknowledgement; other 4xx than "later" will be said again and again."""
        if self.status is None:
            return "again"
        if 200 <= self.status < 300:
            return "taken"
        return "refused" if 400 <= self.status < 500 and self.status not in _LATER else "again"

    def __str__(self) -> str:
        return self.reason if self.status is None else f"{self.status} {self.reason}".strip()


class BackOff(msgspec.Struct, frozen=True, kw_only=True):
    """Doubling, up to a limit, with chance, so that many do not come back at once."""

    first_s: float
    most_s: float

    def wait_s(self, attempt: int, chance: float, asked_s: float | None = None) -> float:
        """Before attempt + 1; `chance` is between 0 and 1, `asked_s` what the receiver asked for."""
        doubled = self.first_s * 2.0 ** min(attempt - 1, 32)
        wait = min(self.most_s, doubled) * (0.5 + 0.5 * chance)
        return wait if asked_s is None else min(self.most_s, max(wait, asked_s))
