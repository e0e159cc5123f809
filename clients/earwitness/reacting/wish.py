"""Which changes somebody wants to hear of."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from ..events import WatchlistHit
from .settling import Change


class Moment(StrEnum):
    """The first word after `earwitness on`."""

    verified = "verified"
    lost = "lost"
    unknown = "unknown"
    changed = "changed"
    any = "any"
    hit = "hit"


OF_GROUPS = (Moment.verified, Moment.lost, Moment.any, Moment.hit)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A moment, of one person or group and at one stream if they are named."""

    moment: Moment
    speaker: str | None = None
    stream: str | None = None
    group: str | None = None
    # or a watchlist

    def __post_init__(self) -> None:
        """Refuse what can never be."""
        if self.speaker is not None and self.moment is Moment.unknown:
            raise ValueError("an unknown voice has no name: earwitness on unknown -- CMD")
        if self.speaker is not None and self.of_groups:
            raise ValueError(
                f"it is not decided who of a group or watchlist speaks: leave {self.speaker!r} out"
            )
        if self.group is not None and self.moment not in OF_GROUPS:
            moments = ", ".join(OF_GROUPS)
            raise ValueError(f"a group is never {self.moment}: with --group, say one of {moments}")

    @property
    def of_groups(self) -> bool:
        """Whether it is about groups and watchlists, not about who speaks."""
        return self.group is not None or self.moment is Moment.hit

    @property
    def topics(self) -> list[str]:
        """What has to be heard."""
        return ["group", "watchlist"] if self.of_groups else ["speaker"]

    def wants(self, change: Change) -> bool:
        """Decide about one change."""
        if self.stream not in (None, change.stream):
            return False
        return self._wants_group(change) if self.of_groups else self._wants_speaker(change)

    def _wants_group(self, change: Change) -> bool:
        verdict = change.verdict
        if self.group not in (None, verdict.group):
            return False
        match self.moment:
            case Moment.hit:
                return isinstance(verdict.event, WatchlistHit)
            case Moment.verified:
                return verdict.kind == "verified"
            case Moment.lost:
                return verdict.kind == "nobody"
            case _:
                return True

    def _wants_speaker(self, change: Change) -> bool:
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
            case Moment.hit:
                return False
