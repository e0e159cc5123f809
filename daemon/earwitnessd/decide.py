"""Turns a stream's scored windows into who is speaking: a pure state machine with hysteresis."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from itertools import takewhile
from statistics import fmean

from earwitness.events import (
    RATE,
    Event,
    SpeakerChanged,
    SpeakerLost,
    SpeakerUnknown,
    SpeakerVerified,
)
from earwitnessd.score import Score

RESTING_WINDOWS = 4  # a verified score is the mean over so many supporting windows


@dataclass(frozen=True, slots=True)
class Rules:
    """The decision settings with the model's threshold filled in."""

    threshold: float
    hysteresis: float
    min_margin: float
    verify_windows: int
    unknown_windows: int
    ttl_s: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one window has to say."""

    stream: str
    stream_id: str
    start: int
    stop: int
    speech_s: float
    # net speech in the window
    new_speech_s: float
    # of this, what the window before had not heard
    scores: tuple[Score, ...]
    # the most alike first; empty if nobody is enrolled or the window was not embedded
    reasons: tuple[str, ...]
    # why it decides nothing, from before scoring


@dataclass(frozen=True, slots=True)
class Standing:
    """The decision in force: a person's name, or None for an unknown voice."""

    speaker: str | None
    since: int
    supported: int
    # stop of the last window that agreed
    said: int
    # stop of the window it was last published with
    evidence_s: float


@dataclass(frozen=True, slots=True)
class Vote:
    """Whom one window speaks for (None: somebody unknown), and how clearly."""

    speaker: str | None
    cosine: float
    stop: int


def _memory(rules: Rules) -> int:
    return max(rules.verify_windows, rules.unknown_windows)


class Decider:
    """One stream's decision. Positions are its only clock."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._standing: Standing | None = None
        self._votes: deque[Vote] = deque(maxlen=_memory(rules))
        self._supporting: deque[float] = deque(maxlen=RESTING_WINDOWS)

    @property
    def speaker(self) -> str | None:
        """Who is verified at present."""
        return self._standing.speaker if self._standing else None

    def adopt(self, rules: Rules) -> None:
        """Decide by other rules from the next window on."""
        self._rules = rules
        self._votes = deque(self._votes, maxlen=_memory(rules))

    def on_window(self, evidence: Evidence) -> tuple[tuple[str, ...], list[Event]]:
        """Why this window decided nothing (empty if it voted), and what changed."""
        lost = self._expire(evidence)
        if evidence.reasons or not evidence.scores:
            return evidence.reasons or ("no_profiles",), lost
        voted, vote = self._vote(evidence.scores)
        if not voted:
            self._votes.clear()
            return ("margin",), lost
        self._remember(Vote(vote, evidence.scores[0].cosine, evidence.stop))
        if self._standing is not None and vote == self._standing.speaker:
            return (), self._support(evidence)
        if self._agreed(vote):
            return (), [*lost, *self._switch(vote, evidence)]
        return (), lost

    def on_stream_lost(self, stream: str, stream_id: str, position: int) -> list[Event]:
        """Nothing more is heard: whoever was there can no longer be vouched for."""
        self._votes.clear()
        return self._lose(stream, stream_id, position, "stream")

    def on_profiles(self, names: tuple[str, ...], stream: str, stream_id: str, position: int) -> list[Event]:
        """People were added or removed; an unknown voice may now be known."""
        self._votes.clear()
        if self._standing is None or self._standing.speaker in names:
            return []
        return self._lose(stream, stream_id, position, "profile")

    def _vote(self, scores: tuple[Score, ...]) -> tuple[bool, str | None]:
        """Whether this window says anything, and if so who it is (None: somebody unknown)."""
        best = scores[0]
        rules = self._rules
        standing = self._standing.speaker if self._standing else None
        keeps = best.speaker == standing
        bar = rules.threshold - rules.hysteresis if keeps else rules.threshold
        if best.cosine < bar:
            return True, None
        if len(scores) > 1 and best.cosine - scores[1].cosine < rules.min_margin and not keeps:
            return False, None
        return True, best.speaker

    def _remember(self, vote: Vote) -> None:
        if self._votes and vote.stop - self._votes[-1].stop > self._ttl:
            self._votes.clear()  # one stray window now and one later are not two in a row
        self._votes.append(vote)

    def _agreed(self, vote: str | None) -> bool:
        needed = self._rules.unknown_windows if vote is None else self._rules.verify_windows
        recent = list(self._votes)[-needed:]
        return len(recent) == needed and all(each.speaker == vote for each in recent)

    def _support(self, evidence: Evidence) -> list[Event]:
        assert self._standing is not None
        self._supporting.append(evidence.scores[0].cosine)
        standing = replace(
            self._standing,
            supported=evidence.stop,
            evidence_s=self._standing.evidence_s + evidence.new_speech_s,
        )
        due = evidence.stop - standing.said >= self._ttl / 2
        self._standing = replace(standing, said=evidence.stop) if due else standing
        return [self._statement(evidence)] if due else []

    def _switch(self, vote: str | None, evidence: Evidence) -> list[Event]:
        before = self._standing
        agreeing = takewhile(lambda each: each.speaker == vote, reversed(self._votes))
        self._supporting = deque((each.cosine for each in agreeing), maxlen=RESTING_WINDOWS)
        self._standing = Standing(vote, evidence.stop, evidence.stop, evidence.stop, evidence.speech_s)
        events: list[Event] = []
        if before is not None and before.speaker is not None:
            events.append(
                SpeakerChanged(
                    stream=evidence.stream,
                    stream_id=evidence.stream_id,
                    start=evidence.start,
                    stop=evidence.stop,
                    previous=before.speaker,
                    speaker=vote,
                )
            )
        return [*events, self._statement(evidence)]

    def _statement(self, evidence: Evidence) -> Event:
        standing = self._standing
        assert standing is not None
        best, *others = evidence.scores
        if standing.speaker is None:
            return SpeakerUnknown(
                stream=evidence.stream,
                stream_id=evidence.stream_id,
                start=evidence.start,
                stop=evidence.stop,
                nearest=best.speaker,
                score=best.cosine,
                threshold=self._rules.threshold,
                evidence_s=standing.evidence_s,
                ttl_s=self._rules.ttl_s,
            )
        return SpeakerVerified(
            stream=evidence.stream,
            stream_id=evidence.stream_id,
            start=evidence.start,
            stop=evidence.stop,
            speaker=standing.speaker,
            score=fmean(self._supporting),
            threshold=self._rules.threshold,
            runner_up=others[0].speaker if others else None,
            margin=best.cosine - others[0].cosine if others else None,
            evidence_s=standing.evidence_s,
            since=standing.since,
            ttl_s=self._rules.ttl_s,
        )

    @property
    def _ttl(self) -> float:
        """In samples."""
        return self._rules.ttl_s * RATE

    def _expire(self, evidence: Evidence) -> list[Event]:
        standing = self._standing
        if standing is None or evidence.stop - standing.supported <= self._ttl:
            return []
        reason = "silence" if "too_little_speech" in evidence.reasons else "inconclusive"
        return self._lose(evidence.stream, evidence.stream_id, evidence.stop, reason)

    def _lose(self, stream: str, stream_id: str, position: int, reason: str) -> list[Event]:
        standing = self._standing
        self._standing = None
        if standing is None:
            return []
        return [
            SpeakerLost(
                stream=stream,
                stream_id=stream_id,
                start=standing.supported,
                stop=position,
                previous=standing.speaker,
                reason=reason,
            )
        ]
