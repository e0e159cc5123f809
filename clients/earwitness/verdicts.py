"""Who speaks on each stream, or of which groups anyone, by events and their times to live: pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec

from .events import (
    AnyEvent,
    GroupLost,
    GroupVerified,
    SpeakerLost,
    SpeakerUnknown,
    SpeakerVerified,
    WatchlistHit,
    WatchlistLost,
)
from .notices import Connected, Disconnected, Notice

GRACE_S = 1.0  # a restatement may come late on a busy machine
EXPIRED = "expired"  # the reason in an event that we made ourselves, with seq 0

Kind = Literal["verified", "unknown", "nobody"]
Decision = SpeakerVerified | SpeakerUnknown | SpeakerLost
GroupDecision = GroupVerified | GroupLost | WatchlistHit | WatchlistLost
Lost = SpeakerLost | GroupLost | WatchlistLost


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about one stream, or there about one group."""

    stream: str
    kind: Kind
    speaker: str | None
    # who is verified
    event: Decision | GroupDecision
    # what it rests on
    until: float | None
    # monotonic seconds after which it is no longer known; None: it holds until something else is said
    group: str | None = None
    # of whom anyone is verified, or nobody any more; None: it is about who speaks

    @property
    def about(self) -> str:
        """Verdicts about the same replace each other."""
        return about(self.event)

    @property
    def identity(self) -> tuple[Kind, str | None]:
        """Equal for restatements."""
        return self.kind, self.speaker

    def holds(self, now: float) -> bool:
        """Whether it may still be relied on."""
        return self.until is None or now < self.until


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One stream's verdict became another."""

    before: Verdict | None
    # None: nothing was known yet
    verdict: Verdict
    found: bool
    # true: it was so before we came


class Verdicts:
    """Follow all streams: who speaks there, or `of_groups`. `now` is monotonic, `wall` Unix time."""

    def __init__(self, *, grace_s: float = GRACE_S, of_groups: bool = False) -> None:
        self.standing: dict[str, Verdict] = {}
        # by what they are about: the stream, or there the group
        self._grace_s = grace_s
        self._of_groups = of_groups
        self._heard: dict[str, tuple[str, int]] = {}  # boot and seq of the newest decision about it
        self._was_connected = self._was_away = False

    def on_item(self, event: AnyEvent | Notice, now: float, wall: float) -> Turn | None:
        """Take in what a subscription gave; None if it changes nothing."""
        if isinstance(event, Connected):
            self._was_connected = True
        elif isinstance(event, Disconnected):
            self._was_away = self._was_connected
        if not isinstance(event, GroupDecision if self._of_groups else Decision):
            return None
        assert isinstance(event, Decision | GroupDecision)
        if self._is_old(event):
            return None
        # What we meet at our first coming was so before; what we meet on coming back happened meanwhile.
        found = event.replayed and about(event) not in self._heard and not self._was_away
        self._heard[about(event)] = (event.boot, event.seq)
        return self._turn(self._verdict(event, now, wall), found=found)

    def expire(self, now: float, wall: float) -> list[Turn]:
        """What nobody has restated in time is no longer known."""
        outdated = [verdict for verdict in self.standing.values() if not verdict.holds(now)]
        turns = [self._turn(_nobody(expired(verdict.event, wall)), found=False) for verdict in outdated]
        return [turn for turn in turns if turn is not None]

    def next_expiry(self) -> float | None:
        """When `expire` will next have something to say."""
        return min((each.until for each in self.standing.values() if each.until is not None), default=None)

    def forget(self) -> None:
        """Whatever was said no longer holds."""
        self.standing.clear()
        self._heard.clear()

    def _is_old(self, event: Decision | GroupDecision) -> bool:
        boot, seq = self._heard.get(about(event), ("", 0))
        return event.boot == boot and 0 < event.seq <= seq

    def _turn(self, verdict: Verdict, *, found: bool) -> Turn | None:
        before = self.standing.get(verdict.about)
        self.standing[verdict.about] = verdict
        if before is not None and before.identity == verdict.identity:
            return None
        return Turn(before=before, verdict=verdict, found=found)

    def _verdict(self, event: Decision | GroupDecision, now: float, wall: float) -> Verdict:
        if isinstance(event, Lost):
            return _nobody(event)
        remaining_s = left_s(event, wall)
        if remaining_s <= 0:
            return _nobody(expired(event, wall))
        return Verdict(
            stream=event.stream,
            kind="unknown" if isinstance(event, SpeakerUnknown) else "verified",
            speaker=event.speaker if isinstance(event, SpeakerVerified) else None,
            group=_group(event),
            event=event,
            until=now + remaining_s + self._grace_s,
        )


def about(event: Decision | GroupDecision) -> str:
    """The stream; of a group, it and whether it is a watchlist, too."""
    return (event.state_key if isinstance(event, GroupDecision) else None) or event.stream


def expired(event: Decision | GroupDecision, wall: float) -> Lost:
    """What the daemon would say, had it not fallen silent."""
    moment = datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds")
    when = moment.replace("+00:00", "Z")
    if isinstance(event, GroupDecision):
        watched = isinstance(event, WatchlistHit | WatchlistLost)
        return (WatchlistLost if watched else GroupLost)(
            boot=event.boot,
            time=when,
            stream=event.stream,
            stream_id=event.stream_id,
            start=event.stop,
            stop=event.stop,
            group=event.group,
            reason=EXPIRED,
        )
    return SpeakerLost(
        boot=event.boot,
        time=when,
        stream=event.stream,
        stream_id=event.stream_id,
        start=event.stop,
        stop=event.stop,
        previous=event.speaker if isinstance(event, SpeakerVerified) else None,
        reason=EXPIRED,
    )


def left_s(event: SpeakerVerified | SpeakerUnknown | GroupVerified | WatchlistHit, wall: float) -> float:
    """So much of its time to live is left; a last value has used up its age."""
    return event.ttl_s - (_age_s(event, wall) if event.replayed else 0.0)


def _nobody(event: Lost) -> Verdict:
    return Verdict(
        stream=event.stream, kind="nobody", speaker=None, group=_group(event), event=event, until=None
    )


def _group(event: Decision | GroupDecision) -> str | None:
    return event.group if isinstance(event, GroupDecision) else None


def _age_s(event: AnyEvent, wall: float) -> float:
    """How old a last value is; one without a readable time is too old for anything."""
    try:
        return max(0.0, wall - datetime.fromisoformat(event.time).timestamp())
    except ValueError:
        return float("inf")
