"""Turns what is thought of each group into events: whose members are heard on a stream, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from earwitness.events import RATE, Event, GroupLost, GroupVerified, WatchlistHit, WatchlistLost
from earwitnessd.decision.bounds import Bounds, Floats
from earwitnessd.decision.cosine import CosineVotes, Vote, Voting
from earwitnessd.decision.groups import ANYONE, Group, GroupOpinion, as_one, of_evidence, of_votes
from earwitnessd.decision.opinion import Evidence


@dataclass(frozen=True, slots=True)
class GroupStanding:
    """Anyone of a group is being heard."""

    since: int
    supported: int
    # stop of the last window that agreed
    said: int
    # stop of the window it was last published with
    evidence_s: float


@dataclass(frozen=True, slots=True)
class GroupMemory:
    """All that is known of one group's past: a snapshot to go on from."""

    standing: GroupStanding | None = None
    votes: tuple[Vote, ...] = ()


class GroupVerdicts:
    """One stream's groups. Positions are its only clock."""

    def __init__(
        self, groups: tuple[Group, ...], voting: Voting, memories: Mapping[str, GroupMemory] | None = None
    ) -> None:
        memories = memories or {}
        self._groups = groups
        self._voting = voting
        self._standing = {
            group.name: standing
            for group in groups
            if group.name in memories and (standing := memories[group.name].standing)
        }
        self._votes = {
            group.name: CosineVotes(voting, memories[group.name].votes if group.name in memories else ())
            for group in groups
        }

    @property
    def heard(self) -> tuple[str, ...]:
        """The groups of which anyone is being heard."""
        return tuple(self._standing)

    def memories(self) -> dict[str, GroupMemory]:
        """A snapshot."""
        return {
            group.name: GroupMemory(self._standing.get(group.name), self._votes[group.name].votes)
            for group in self._groups
        }

    def gone(self, groups: tuple[Group, ...], stream: str, stream_id: str, position: int) -> list[Event]:
        """The ends of those that are no longer among the groups."""
        kept = {(group.name, group.watchlist) for group in groups}
        gone = [group for group in self._groups if (group.name, group.watchlist) not in kept]
        return [end for group in gone for end in self._end(group, stream, stream_id, position, "profile")]

    def forget(self) -> None:
        """What was heard is worth nothing any more."""
        for votes in self._votes.values():
            votes.forget()

    def lost(self, stream: str, stream_id: str, position: int) -> list[Event]:
        """The stream is no more."""
        self.forget()
        return [
            end for group in self._groups for end in self._end(group, stream, stream_id, position, "stream")
        ]

    def expire(self, evidence: Evidence) -> list[Event]:
        """The ends of those that nothing has supported for their time to live."""
        reason = "silence" if "too_little_speech" in evidence.reasons else "inconclusive"
        return [
            end
            for group in self._groups
            if (standing := self._standing.get(group.name))
            and evidence.stop - standing.supported > group.ttl_s * RATE
            for end in self._end(group, evidence.stream, evidence.stream_id, evidence.stop, reason)
        ]

    def hear(self, evidence: Evidence, llrs: Floats, bounds: Bounds | None) -> list[Event]:
        """After one more window that counts; without bounds it votes by cosine."""
        events: list[Event] = []
        for group in self._groups:
            if not len(group.rows(evidence.scores.names)):
                continue  # they have just been removed
            events += self._judge(group, evidence, self._opinion(group, evidence, llrs, bounds))
        return events

    def _opinion(self, group: Group, evidence: Evidence, llrs: Floats, bounds: Bounds | None) -> GroupOpinion:
        if bounds is not None:
            return of_evidence(group, evidence, llrs, bounds)
        stands = group.name in self._standing
        voted = self._votes[group.name].hear(as_one(group, evidence), ANYONE if stands else None, stands)
        return of_votes(group, evidence, voted)

    def _judge(self, group: Group, evidence: Evidence, opinion: GroupOpinion) -> list[Event]:
        standing = self._standing.get(group.name)
        if standing is None:
            return [self._begin(group, evidence, opinion)] if opinion.enough else []
        if opinion.contrary and not opinion.enough:
            return self._end(group, evidence.stream, evidence.stream_id, evidence.stop, "another_voice")
        if not opinion.holds:
            return []
        heard_s = standing.evidence_s + evidence.new_speech_s
        due = evidence.stop - standing.said >= group.ttl_s * RATE / 2
        said = evidence.stop if due else standing.said
        self._standing[group.name] = replace(standing, supported=evidence.stop, said=said, evidence_s=heard_s)
        return [self._statement(group, evidence, opinion)] if due else []

    def _begin(self, group: Group, evidence: Evidence, opinion: GroupOpinion) -> Event:
        at = evidence.stop
        self._standing[group.name] = GroupStanding(at, at, at, evidence.speech_s)
        return self._statement(group, evidence, opinion)

    def _statement(self, group: Group, evidence: Evidence, opinion: GroupOpinion) -> Event:
        standing = self._standing[group.name]
        kind = WatchlistHit if group.watchlist else GroupVerified
        return kind(
            stream=evidence.stream,
            stream_id=evidence.stream_id,
            start=evidence.start,
            stop=evidence.stop,
            group=group.name,
            members=len(group.members),
            likeliest=opinion.likeliest.speaker,
            score=opinion.likeliest.cosine,
            threshold=self._voting.threshold,
            posterior=opinion.posterior(),
            llr=opinion.llr,
            llr_bound=None if opinion.llr is None else group.accept,
            evidence_s=standing.evidence_s,
            since=standing.since,
            ttl_s=group.ttl_s,
        )

    def _end(self, group: Group, stream: str, stream_id: str, position: int, reason: str) -> list[Event]:
        standing = self._standing.pop(group.name, None)
        if standing is None:
            return []
        kind = WatchlistLost if group.watchlist else GroupLost
        return [
            kind(
                stream=stream,
                stream_id=stream_id,
                start=standing.supported,
                stop=position,
                group=group.name,
                reason=reason,
            )
        ]
