"""Turns a stream's scored windows into who is speaking: a pure state machine with hysteresis."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from statistics import fmean

from earwitness.events import (
    RATE,
    Event,
    SpeakerChanged,
    SpeakerLost,
    SpeakerUnknown,
    SpeakerVerified,
)
from earwitnessd.decision import Bounds, CosineVotes, Evidence, Opinion, SequentialTest
from earwitnessd.decision.cosine import Voting
from earwitnessd.score import Score

__all__ = ["Decider", "Evidence", "Rules"]

RESTING_WINDOWS = 4  # a verified score is the mean over so many supporting windows


@dataclass(frozen=True, slots=True)
class Rules(Voting):
    """The decision settings with the model's threshold filled in, or its calibration's bounds."""

    bounds: Bounds | None = None
    # None: windows vote by cosine

    def __str__(self) -> str:
        """How is decided, for people."""
        if self.bounds is None:
            return f"by cosine, threshold {self.threshold:.3f}"
        accept, reject = self.bounds.accept, self.bounds.reject
        return f"by calibrated evidence, verified from {accept:+.2f} nats on, unknown from {reject:+.2f}"


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


class Decider:
    """One stream's decision. Positions are its only clock."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._test = _test(rules)
        self._standing: Standing | None = None
        self._supporting: deque[float] = deque(maxlen=RESTING_WINDOWS)

    @property
    def speaker(self) -> str | None:
        """Who is verified at present."""
        return self._standing.speaker if self._standing else None

    def adopt(self, rules: Rules) -> None:
        """Decide by other rules from the next window on."""
        self._rules = rules
        if isinstance(self._test, CosineVotes) and rules.bounds is None:
            self._test.adopt(rules)
        elif isinstance(self._test, SequentialTest) and rules.bounds is not None:
            self._test.adopt(rules.bounds)
        else:
            self._test = _test(rules)

    def on_window(self, evidence: Evidence) -> tuple[tuple[str, ...], list[Event]]:
        """Why this window decided nothing (empty if it voted), and what changed."""
        lost = self._expire(evidence)
        if evidence.reasons or not evidence.scores:
            self._test.pass_over(evidence)
            return evidence.reasons or ("no_profiles",), lost
        opinion = self._test.hear(evidence, self.speaker, stands=self._standing is not None)
        if opinion.reasons is not None:
            return opinion.reasons, lost
        if self._standing is not None and opinion.speaker == self._standing.speaker:
            return (), [*lost, *self._support(evidence, opinion)]
        return (), [*lost, *(self._switch(evidence, opinion) if opinion.enough else ())]

    def on_stream_lost(self, stream: str, stream_id: str, position: int) -> list[Event]:
        """Nothing more is heard: whoever was there can no longer be vouched for."""
        self._test.forget()
        return self._lose(stream, stream_id, position, "stream")

    def on_profiles(self, names: tuple[str, ...], stream: str, stream_id: str, position: int) -> list[Event]:
        """People were added or removed; an unknown voice may now be known."""
        self._test.forget()
        if self._standing is None or self._standing.speaker in names:
            return []
        return self._lose(stream, stream_id, position, "profile")

    def _support(self, evidence: Evidence, opinion: Opinion) -> list[Event]:
        assert self._standing is not None
        self._supporting.append(opinion.cosines[-1])
        standing = replace(
            self._standing,
            supported=evidence.stop,
            evidence_s=self._standing.evidence_s + evidence.new_speech_s,
        )
        due = evidence.stop - standing.said >= self._ttl / 2
        self._standing = replace(standing, said=evidence.stop) if due else standing
        return [self._statement(evidence, opinion)] if due else []

    def _switch(self, evidence: Evidence, opinion: Opinion) -> list[Event]:
        before = self._standing
        self._supporting = deque(opinion.cosines, maxlen=RESTING_WINDOWS)
        self._standing = Standing(
            opinion.speaker, evidence.stop, evidence.stop, evidence.stop, evidence.speech_s
        )
        events: list[Event] = []
        if before is not None and before.speaker is not None:
            events.append(
                SpeakerChanged(
                    stream=evidence.stream,
                    stream_id=evidence.stream_id,
                    start=evidence.start,
                    stop=evidence.stop,
                    previous=before.speaker,
                    speaker=opinion.speaker,
                )
            )
        return [*events, self._statement(evidence, opinion)]

    def _statement(self, evidence: Evidence, opinion: Opinion) -> Event:
        standing = self._standing
        assert standing is not None
        if standing.speaker is None:
            return SpeakerUnknown(
                stream=evidence.stream,
                stream_id=evidence.stream_id,
                start=evidence.start,
                stop=evidence.stop,
                nearest=evidence.scores[0].speaker,
                score=evidence.scores[0].cosine,
                threshold=self._rules.threshold,
                posterior=opinion.posterior,
                llr=opinion.llr,
                llr_bound=opinion.needed,
                evidence_s=standing.evidence_s,
                ttl_s=self._rules.ttl_s,
            )
        own, other = _rivals(evidence.scores, standing.speaker)
        return SpeakerVerified(
            stream=evidence.stream,
            stream_id=evidence.stream_id,
            start=evidence.start,
            stop=evidence.stop,
            speaker=standing.speaker,
            score=fmean(self._supporting),
            threshold=self._rules.threshold,
            posterior=opinion.posterior,
            llr=opinion.llr,
            llr_bound=opinion.needed,
            runner_up=other.speaker if other else None,
            margin=own.cosine - other.cosine if other else None,
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


def _test(rules: Rules) -> CosineVotes | SequentialTest:
    return CosineVotes(rules) if rules.bounds is None else SequentialTest(rules.bounds)


def _rivals(scores: tuple[Score, ...], speaker: str) -> tuple[Score, Score | None]:
    """This person's score, and that of whoever else is most alike."""
    own = next(score for score in scores if score.speaker == speaker)
    return own, next((score for score in scores if score.speaker != speaker), None)
