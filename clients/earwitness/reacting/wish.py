"""Which changes somebody wants to hear of."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from .settling import Change


class Moment(StrEnum):
    """The first word after `earwitness on`."""

    verified = "verified"
    lost = "lost"
    unknown = "unknown"
    changed = "changed"
    any = "any"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A moment, of one person and at one stream if they are named."""

    moment: Moment
    speaker: str | None = None
    stream: str | None = None

    def wants(self, change: Change) -> bool:
        """Decide about one change."""
        if self.stream not in (None, change.stream):
            return False
        before = change.before.speaker if change.before else None
        kind, now = change.verdict.identity
        match self.moment:
            case Moment.verified:
                return kind == "verified" and self.speaker in (None, now)
            case Moment.lost if self.speaker is None:
                return kind == "nobody"
            case Moment.lost:
                return before == self.speaker != now
            case Moment.unknown:
                return kind == "unknown"
            case Moment.changed:
                took_over = before is not None and kind != "nobody"
                return took_over and self.speaker in (None, before, now)
            case Moment.any:
                return self.speaker in (None, before, now)
