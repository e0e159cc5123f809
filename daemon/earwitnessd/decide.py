"""Turns a stream's scored windows into who is speaking: a pure state machine with hysteresis."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from statistics import fmean

import msgspec
import numpy as np

from earwitness.events import (
    RATE,
    Event,
    SpeakerChanged,
    SpeakerLost,
    SpeakerUnknown,
    SpeakerVerified,
)
from earwitnessd.decision import Bounds, CosineVotes, Evidence, Memory, Opinion, SequentialTest, Weight
from earwitnessd.decision.cosine import Vote, Voting
from earwitnessd.decision.group_verdicts import GroupMemory, GroupVerdicts
from earwitnessd.decision.groups import Group, GroupWish
from earwitnessd.decision.roster import Roster
from earwitnessd.decision.targets import Targets
from earwitnessd.score import Score, Scores

__all__ = ["Decider", "Evidence", "Rules", "Snapshot"]

RESTING_WINDOWS = 4  # a verified score is the mean over so many supporting windows


@dataclass(frozen=True, slots=True)
class Rules(Voting):
    """The decision settings with the model's threshold filled in, or its calibration's bounds."""

    bounds: Bounds | None = None
    # None: windows vote by cosine
    targets: Targets | None = None
    # what the bounds are made from for whoever is enrolled; None: the bounds stay as they are
    wishes: Mapping[str, GroupWish] = field(default_factory=dict)
    # by group: what the settings say of it
    groups: tuple[Group, ...] = ()
    # those with anybody in them
    belonging: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # each person's groups

    def among(self, roster: Roster) -> Rules:
        """The same for these people: a target holds for all of them together."""
        bounds = self.targets.bounds(roster) if self.targets else self.bounds
        belonging = {member.name: member.groups for member in roster if member.groups}
        members: dict[str, list[str]] = {}
        for person, names in belonging.items():
            for name in names:
                members.setdefault(name, []).append(person)
        groups = tuple(self._group(name, members[name], bounds, len(roster)) for name in sorted(members))
        if bounds is not None and groups:
            bounds = replace(bounds, ceiling=max(group.most for group in groups))
        return replace(self, bounds=bounds, groups=groups, belonging=belonging)

    def _group(self, name: str, members: list[str], bounds: Bounds | None, people: int) -> Group:
        wish = self.wishes.get(name, GroupWish())
        group = Group(name, tuple(members), wish.watchlist, self.ttl_s if wish.ttl_s is None else wish.ttl_s)
        if bounds is None:
            return group
        if self.targets is None:
            return group.bounded(accept=bounds.accept, reject=bounds.reject, odds=1.0)
        return self.targets.group(group, wish, bounds, people)

    def __str__(self) -> str:
        """How is decided, for people."""
        if self.bounds is None:
            return f"by cosine, threshold {self.threshold:.3f}"
        accept, reject = self.bounds.accept, self.bounds.reject
        return f"by calibrated evidence, verified from {accept:+.2f} nats on, unknown from {reject:+.2f}"


class Standing(msgspec.Struct, frozen=True):
    """The decision in force: a person's name, or None for an unknown voice."""

    speaker: str | None
    since: int
    supported: int
    # stop of the last window that agreed
    said: int
    # stop of the window it was last published with
    evidence_s: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a decider knows of the past: a plain value, from which another goes on exactly alike."""

    memory: Memory | None = None
    # evidence; None: by cosine
    votes: tuple[Vote, ...] = ()
    # the other way
    standing: Standing | None = None
    supporting: tuple[float, ...] = ()
    # cosines of the newest windows that agreed
    groups: dict[str, GroupMemory] = field(default_factory=dict)


NOTHING_HEARD = Snapshot()


class Decider:
    """One stream's decision. Positions are its only clock."""

    def __init__(self, rules: Rules, snapshot: Snapshot = NOTHING_HEARD) -> None:
        self._rules = rules
        self._test = _test(rules, snapshot)
        self._groups = GroupVerdicts(rules.groups, rules, snapshot.groups)
        self._standing = snapshot.standing
        self._supporting = deque(snapshot.supporting, maxlen=RESTING_WINDOWS)

    @property
    def speaker(self) -> str | None:
        """Who is verified at present."""
        return self._standing.speaker if self._standing else None

    @property
    def groups(self) -> tuple[str, ...]:
        """Of which anyone is being heard at present."""
        return self._groups.heard

    def snapshot(self) -> Snapshot:
        """To go on from, here or in another decider. Positions are of one opening of the stream."""
        return Snapshot(
            memory=None if isinstance(self._test, CosineVotes) else self._test.memory,
            votes=self._test.votes if isinstance(self._test, CosineVotes) else (),
            standing=self._standing,
            supporting=tuple(self._supporting),
            groups=self._groups.memories(),
        )

    def weigh(self, speakers: Iterable[str]) -> dict[str, Weight]:
        """What all windows up to now say of each of these people; nothing where windows vote by cosine."""
        return self._test.weigh(speakers) if isinstance(self._test, SequentialTest) else {}

    def on_window(self, evidence: Evidence) -> tuple[tuple[str, ...], list[Event]]:
        """Why this window decided nothing (empty if it voted), and what changed."""
        lost = [*self._expire(evidence), *self._groups.expire(evidence)]
        if evidence.reasons or not evidence.scores:
            self._test.pass_over(evidence)
            return evidence.reasons or ("no_profiles",), lost
        reasons, events = self._on_heard(evidence)
        test = self._test
        llrs = test.llrs if isinstance(test, SequentialTest) else np.empty(0)
        return reasons, [*lost, *events, *self._groups.hear(evidence, llrs, self._rules.bounds)]

    def _on_heard(self, evidence: Evidence) -> tuple[tuple[str, ...], list[Event]]:
        opinion = self._test.hear(evidence, self.speaker, stands=self._standing is not None)
        if opinion.reasons is not None:
            return opinion.reasons, []
        if self._standing is not None and opinion.speaker == self._standing.speaker:
            return (), self._support(evidence, opinion)
        return (), self._switch(evidence, opinion) if opinion.enough else []

    def on_groups(self, groups: tuple[Group, ...], stream: str, stream_id: str, position: int) -> list[Event]:
        """There will be these groups: the ends of those that are gone."""
        return self._groups.gone(groups, stream, stream_id, position)

    def on_stream_lost(self, stream: str, stream_id: str, position: int) -> list[Event]:
        """Nothing more is heard: whoever was there can no longer be vouched for."""
        self._test.forget()
        over = self._lose(stream, stream_id, position, "stream")
        return [*over, *self._groups.lost(stream, stream_id, position)]

    def on_profiles(self, names: tuple[str, ...], stream: str, stream_id: str, position: int) -> list[Event]:
        """People were added or removed; an unknown voice may now be known."""
        self._test.forget()
        self._groups.forget()
        if self._standing is None or self._standing.speaker in names:
            return []
        return self._lose(stream, stream_id, position, "profile")

    def _support(self, evidence: Evidence, opinion: Opinion) -> list[Event]:
        assert self._standing is not None
        self._supporting.append(opinion.cosines[-1])
        standing = msgspec.structs.replace(
            self._standing,
            supported=evidence.stop,
            evidence_s=self._standing.evidence_s + evidence.new_speech_s,
        )
        due = evidence.stop - standing.said >= self._ttl / 2
        self._standing = msgspec.structs.replace(standing, said=evidence.stop) if due else standing
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
            groups=list(self._rules.belonging.get(standing.speaker, ())),
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


def _test(rules: Rules, snapshot: Snapshot) -> CosineVotes | SequentialTest:
    if rules.bounds is None:
        return CosineVotes(rules, snapshot.votes)
    return SequentialTest(rules.bounds, snapshot.memory)


def _rivals(scores: Scores, speaker: str) -> tuple[Score, Score | None]:
    """This person's score, and that of whoever else is most alike."""
    row = scores.row(speaker)
    assert row is not None, "whoever is in force is enrolled"
    return scores.at(row), next((score for score in scores.first(2) if score.speaker != speaker), None)
