"""What the broker should know, told from events: pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from ..events import (
    AnyEvent,
    DaemonStarted,
    DaemonStopping,
    Heartbeat,
    ProfileDeleted,
    ProfileEnrolled,
    ProfileUpdated,
    SpeakerVerified,
    SpeechStarted,
    SpeechStopped,
    StreamLost,
    StreamOpened,
)
from ..notices import Disconnected, Notice, Restarted
from ..verdicts import Decision, Verdict, Verdicts

TOPICS = ("daemon", "heartbeat", "stream", "speech", "speaker", "profile")


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
        self._heard = False
        self._verdicts = Verdicts()
        self._said: dict[str, Decision] = {}

    @property
    def complete(self) -> bool:
        """Whether all streams and people are known, so that what is not among them does not exist."""
        return self._heard and self.people_are_known

    def verdict(self, stream: str) -> Verdict | None:
        """Who speaks there."""
        return self._verdicts.standing.get(stream)

    def decision(self, stream: str) -> Decision | None:
        """The event with which that verdict began; restatements are no news."""
        return self._said.get(stream)

    def on_people(self, names: Iterable[str]) -> None:
        """The daemon was asked who is enrolled."""
        self.people = set(names)
        self.people_are_known = True

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
        for turn in self._verdicts.expire(now, wall):
            self._said[turn.verdict.stream] = turn.verdict.event

    def next_expiry(self) -> float | None:
        """When `expire` has something to do."""
        return self._verdicts.next_expiry()

    def _on_decision(self, item: AnyEvent | Notice, now: float, wall: float) -> None:
        turn = self._verdicts.on_item(item, now, wall)
        if turn is not None:
            self._said[turn.verdict.stream] = turn.verdict.event
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
        self._said.clear()
