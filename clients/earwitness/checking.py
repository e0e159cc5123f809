"""Is it them? One answer from what is said within a time: pure, for `earwitness check`."""

from __future__ import annotations

from typing import Literal

import msgspec

from .events import AnyEvent, DaemonStarted, Heartbeat, SpeakerVerified
from .notices import Connected, Disconnected, Notice
from .verdicts import Decision, Verdict, Verdicts
from .words import ABSENT, clean, measured, span

Result = Literal["verified", "other", "inconclusive", "no_daemon"]

STATUS: dict[Result, int] = {"verified": 0, "other": 1, "inconclusive": 2, "no_daemon": 3}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What `earwitness check --json` prints."""

    speaker: str
    # who was asked about
    result: Result
    status: int
    # the exit status
    stream: str | None
    # where
    message: str
    event: Decision | None
    # what the answer rests on
    assurance: Literal["evidence"] = "evidence"


class Check:
    """Fed with everything a subscription gives; times as in `Verdicts`."""

    def __init__(self, speaker: str, stream: str | None, within_s: float) -> None:
        self._speaker = speaker
        self._stream = stream
        self._within_s = within_s
        self._verdicts = Verdicts(grace_s=0.0)  # what has run out does not count, however busy the machine
        self._contrary: Verdict | None = None
        self._streams: list[str] | None = None
        self.connected = False
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

    def _look(self, now: float) -> Answer | None:
        for verdict in self._verdicts.standing.values():
            if self._stream not in (None, verdict.stream) or not verdict.holds(now):
                continue
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
