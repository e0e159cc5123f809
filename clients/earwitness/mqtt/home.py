"""What the broker should know, told from events: pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import msgspec

from ..events import (
    AnyEvent,
    DaemonStarted,
    DaemonStopping,
    GroupVerified,
    Heartbeat,
    ProfileDeleted,
    ProfileEnrolled,
    ProfileUpdated,
    SpeakerVerified,
    SpeechStarted,
    SpeechStopped,
    StreamLost,
    StreamOpened,
    WatchlistHit,
)
from ..notices import Disconnected, Notice, Restarted
from ..verdicts import Decision, GroupDecision, Turn, Verdict, Verdicts

TOPICS = ("daemon", "heartbeat", "stream", "speech", "speaker", "group", "watchlist", "profile")
AnyoneHeard = GroupVerified | WatchlistHit


class StreamView(msgspec.Struct, frozen=True):
    """One stream, as far as it is shown."""

    live: bool = False
    speaking: bool = False
    level_dbfs: int | None = None


class Home:
    """Everything that is shown. Times as in `Verdicts`."""

    def __init__(self) -> None:
        self.available = False
        self.version = ""
        self.streams: dict[str, StreamView] = {}
        self.people: set[str] = set()
        self.people_are_known = False
        self.groups: dict[str, bool] = {}
        # by name; true: it is a watchlist
        self.groups_are_known = False
        self._heard = False
        self._verdicts = Verdicts()
        self._of_groups = Verdicts(of_groups=True)
        self._said: dict[str, Decision | GroupDecision] = {}
        # by what they are about

    @property
    def complete(self) -> bool:
        """Whether all streams, people and groups are known: what is not among them does not exist."""
        return self._heard and self.people_are_known and self.groups_are_known

    def verdict(self, stream: str) -> Verdict | None:
        """Who speaks there."""
        return self._verdicts.standing.get(stream)

    def decision(self, stream: str) -> Decision | None:
        """The event with which that verdict began; restatements are no news."""
        said = self._said.get(stream)
        assert not isinstance(said, GroupDecision)
        return said

    def anyone(self, group: str) -> list[AnyoneHeard]:
        """With which events it began that anyone of a group is heard, or on a watchlist; by stream."""
        standing = self._of_groups.standing
        heard = [
            said
            for about, verdict in standing.items()
            if verdict.group == group and verdict.stream in self.streams and verdict.kind == "verified"
            if isinstance(said := self._said.get(about), AnyoneHeard)
            and isinstance(said, WatchlistHit) == self.groups.get(group)
        ]
        return sorted(heard, key=lambda event: event.stream)

    def on_people(self, names: Iterable[str]) -> None:
        """The daemon was asked who is enrolled."""
        self.people = set(names)
        self.people_are_known = True

    def on_groups(self, groups: Mapping[str, bool]) -> None:
        """The daemon was asked which groups there are, and which of them are watchlists."""
        self.groups = dict(groups)
        self.groups_are_known = True

    def on_item(self, item: AnyEvent | Notice, now: float, wall: float) -> None:
        """Take in one event or notice."""
        match item:
            case Disconnected() | DaemonStopping():
                self._gone()
            case Restarted():
                self._forget()
            case DaemonStarted():
                self.available = True
                self.version = item.version
                self._only(item.streams)
            case Heartbeat():
                self._on_heartbeat(item)
            case StreamOpened():
                self._change(item.stream, live=True)
            case StreamLost():
                self._change(item.stream, live=False, speaking=False)
            case SpeechStarted() | SpeechStopped():
                self._change(item.stream, speaking=isinstance(item, SpeechStarted))
            case ProfileEnrolled():
                self.people.add(item.speaker)
            case ProfileUpdated():
                self.people.discard(item.renamed_from or "")
                self.people.add(item.speaker)
            case ProfileDeleted():
                self.people.discard(item.speaker)
            case _:
                self._on_decision(item, now, wall)

    def expire(self, now: float, wall: float) -> None:
        """What was not restated in time holds no longer."""
        for verdicts in (self._verdicts, self._of_groups):
            for turn in verdicts.expire(now, wall):
                self._note(turn)

    def next_expiry(self) -> float | None:
        """When `expire` has something to do."""
        dates = (self._verdicts.next_expiry(), self._of_groups.next_expiry())
        return min((date for date in dates if date is not None), default=None)

    def _note(self, turn: Turn) -> None:
        self._said[turn.verdict.about] = turn.verdict.event

    def _on_decision(self, item: AnyEvent | Notice, now: float, wall: float) -> None:
        for verdicts in (self._verdicts, self._of_groups):
            if turn := verdicts.on_item(item, now, wall):
                self._note(turn)
        if isinstance(item, AnyoneHeard) and not self.groups_are_known:
            self.groups[item.group] = isinstance(item, WatchlistHit)
        if isinstance(item, SpeakerVerified) and not self.people_are_known:
            self.people.add(item.speaker)  # we may not ask, but we hear

    def _on_heartbeat(self, beat: Heartbeat) -> None:
        self.available = self._heard = True
        self._only([state.stream for state in beat.streams])
        for state in beat.streams:
            level = state.level_dbfs
            self.streams[state.stream] = StreamView(
                live=state.state == "live",
                speaking=state.speaking,
                level_dbfs=round(level) if level is not None and math.isfinite(level) else None,
            )

    def _change(self, stream: str, *, live: bool | None = None, speaking: bool | None = None) -> None:
        view = self.streams.get(stream, StreamView())
        self.streams[stream] = StreamView(
            live=view.live if live is None else live,
            speaking=view.speaking if speaking is None else speaking,
            level_dbfs=view.level_dbfs,
        )

    def _only(self, streams: list[str]) -> None:
        self.streams = {stream: self.streams.get(stream, StreamView()) for stream in streams}

    def _gone(self) -> None:
        self.available = False
        self._forget()

    def _forget(self) -> None:
        self.streams = dict.fromkeys(self.streams, StreamView())
        self._verdicts.forget()
        self._of_groups.forget()
        self._said.clear()
