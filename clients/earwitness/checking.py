"""Is it them, or anyone of a group? One answer from what is said within a time: pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Literal

import msgspec

from .events import AnyEvent, DaemonStarted, GroupVerified, Heartbeat, SpeakerVerified, WatchlistHit
from .notices import Connected, Disconnected, Notice
from .verdicts import Decision, GroupDecision, Verdict, Verdicts, left_s
from .words import ABSENT, anyone, clean, measured, span

AnyoneHeard = GroupVerified | WatchlistHit
Result = Literal["verified", "other", "inconclusive", "no_daemon"]

STATUS: dict[Result, int] = {"verified": 0, "other": 1, "inconclusive": 2, "no_daemon": 3}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What `earwitness check --json` prints."""

    speaker: str | None
    # who was asked about; None: a group
    result: Result
    status: int
    # the exit status
    stream: str | None
    # where
    message: str
    event: Decision | GroupDecision | None
    # what the answer rests on
    group: str | None = None
    # which was asked about; None: a person
    assurance: Literal["evidence"] = "evidence"
    wait_s: float = 0.0
    # too many checks have failed: so long no other is allowed


class Question(ABC):
    """Fed with everything a subscription gives; times as in `Verdicts`."""

    def __init__(self, stream: str | None, within_s: float) -> None:
        self._stream = stream
        self._within_s = within_s
        self._verdicts = Verdicts(grace_s=0.0)  # what has run out does not count, however busy the machine
        self._contrary: Verdict | None = None
        self._streams: list[str] | None = None
        self.connected: bool | None = None  # None: nothing is known yet
        self._reason = ""

    def on_item(self, item: AnyEvent | Notice, now: float, wall: float) -> Answer | None:
        """Take in one item; the answer, if it is a yes or there can be none."""
        match item:
            case Connected():
                self.connected = True
            case Disconnected():
                self.connected, self._reason = False, item.reason
            case Heartbeat():
                return self._on_streams([state.stream for state in item.streams])
            case DaemonStarted():
                return self._on_streams(item.streams)
            case _:
                self._verdicts.on_item(item, now, wall)
                return self._look(now)
        return None

    def at_the_end(self) -> Answer:
        """Time is up without a yes."""
        if (contrary := self._contrary) is not None:
            who = clean(contrary.speaker or "an unknown voice")
            return self._answer("other", f"{who} was heard at {clean(contrary.stream)}", contrary)
        if not self.connected:
            return self._answer("no_daemon", f"no events come: {self._reason or 'is earwitnessd running?'}")
        return self._answer("inconclusive", f"nothing was decided within {span(self._within_s)}")

    def _on_streams(self, streams: list[str]) -> Answer | None:
        if self._stream is None or self._stream in streams:
            return None
        there = clean(", ".join(streams)) or ABSENT
        return self._answer("inconclusive", f"there is no stream {self._stream!r}; there are: {there}")

    def _holding(self, now: float) -> Iterator[Verdict]:
        """The verdicts that hold where was asked."""
        for verdict in self._verdicts.standing.values():
            if self._stream in (None, verdict.stream) and verdict.holds(now):
                yield verdict

    @property
    @abstractmethod
    def asked(self) -> str:
        """The name of whom was asked about."""

    @abstractmethod
    def _look(self, now: float) -> Answer | None:
        """The answer, if it is a yes by now; what speaks against it is noted."""

    @abstractmethod
    def _answer(self, result: Result, message: str, verdict: Verdict | None = None) -> Answer:
        """With whom was asked about."""


class Check(Question):
    """Is it this person?"""

    def __init__(self, speaker: str, stream: str | None, within_s: float) -> None:
        super().__init__(stream, within_s)
        self._speaker = speaker

    @property
    def asked(self) -> str:
        """The person."""
        return self._speaker

    def _look(self, now: float) -> Answer | None:
        for verdict in self._holding(now):
            if verdict.speaker == self._speaker and isinstance(verdict.event, SpeakerVerified):
                scored = measured(verdict.event)
                where = clean(verdict.stream)
                return self._answer("verified", f"{self._speaker} is verified at {where}: {scored}", verdict)
            if verdict.kind != "nobody":
                self._contrary = verdict
        return None

    def _answer(self, result: Result, message: str, verdict: Verdict | None = None) -> Answer:
        return Answer(
            speaker=self._speaker,
            result=result,
            status=STATUS[result],
            stream=verdict.stream if verdict else self._stream,
            message=message if result == "verified" else f"{self._speaker} is not verified: {message}",
            event=verdict.event if verdict else None,
        )


class GroupCheck(Question):
    """Is it anyone of this group, or on this watchlist?"""

    def __init__(self, group: str, stream: str | None, within_s: float) -> None:
        super().__init__(stream, within_s)
        self._group = group

    @property
    def asked(self) -> str:
        """The group."""
        return self._group

    def on_item(self, item: AnyEvent | Notice, now: float, wall: float) -> Answer | None:
        """Take in one item; the answer, if it is a yes or there can be none."""
        return super().on_item(item, now, wall) or self._heard(item, wall)

    def _look(self, now: float) -> Answer | None:
        for verdict in self._holding(now):
            if verdict.kind == "unknown" or not self._may_be(verdict):
                self._contrary = verdict
        return None

    def _heard(self, item: AnyEvent | Notice, wall: float) -> Answer | None:
        if not isinstance(item, AnyoneHeard) or item.group != self._group:
            return None
        if self._stream not in (None, item.stream) or left_s(item, wall) <= 0.0:
            return None
        return Answer(
            speaker=None,
            group=self._group,
            result="verified",
            status=STATUS["verified"],
            stream=item.stream,
            message=f"anyone of {self._group} is verified at {clean(item.stream)}: {anyone(item)}",
            event=item,
        )

    def _may_be(self, verdict: Verdict) -> bool:
        """One of the group may be verified while the group, which asks for more, is not."""
        return not isinstance(verdict.event, SpeakerVerified) or self._group in verdict.event.groups

    def _answer(self, result: Result, message: str, verdict: Verdict | None = None) -> Answer:
        return Answer(
            speaker=None,
            group=self._group,
            result=result,
            status=STATUS[result],
            stream=verdict.stream if verdict else self._stream,
            message=f"nobody of {self._group} is verified: {message}",
            event=verdict.event if verdict else None,
        )
