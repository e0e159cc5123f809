"""The fixed threshold: windows vote by cosine, and so many votes in a row are an opinion."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import takewhile

from earwitness.events import RATE
from earwitnessd.decision.opinion import Evidence, Opinion
from earwitnessd.score import Scores


@dataclass(frozen=True, slots=True)
class Voting:
    """What makes a vote, and how many of them an opinion."""

    threshold: float
    hysteresis: float
    min_margin: float
    verify_windows: int
    unknown_windows: int
    ttl_s: float

    @property
    def memory(self) -> int:
        """So many votes matter."""
        return max(self.verify_windows, self.unknown_windows)


@dataclass(frozen=True, slots=True)
class Vote:
    """Whom one window speaks for (None: somebody unknown), and how clearly."""

    speaker: str | None
    cosine: float
    stop: int


class CosineVotes:
    """One stream's votes. Positions are its only clock."""

    def __init__(self, voting: Voting, votes: tuple[Vote, ...] = ()) -> None:
        self._voting = voting
        self._votes: deque[Vote] = deque(votes, maxlen=voting.memory)

    @property
    def votes(self) -> tuple[Vote, ...]:
        """All that is known of the past: a snapshot to go on from."""
        return tuple(self._votes)

    def forget(self) -> None:
        """What was heard is worth nothing any more."""
        self._votes.clear()

    def pass_over(self, evidence: Evidence) -> None:
        """A window that says nothing is no vote."""

    def hear(self, evidence: Evidence, standing: str | None, stands: bool) -> Opinion:
        """What is thought after one more window."""
        voted, speaker = self._vote(evidence.scores, standing)
        if not voted:
            self._votes.clear()
            return Opinion.none("margin")
        self._remember(Vote(speaker, evidence.scores[0].cosine, evidence.stop))
        agreed = self._agreed(speaker)
        if not agreed and not (stands and speaker == standing):
            return Opinion.none()
        agreeing = takewhile(lambda each: each.speaker == speaker, reversed(self._votes))
        return Opinion(speaker, agreed, cosines=tuple(each.cosine for each in agreeing)[::-1])

    def _vote(self, scores: Scores, standing: str | None) -> tuple[bool, str | None]:
        """Whether this window says anything, and if so who it is (None: somebody unknown)."""
        best, *others = scores.first(2)
        voting = self._voting
        keeps = best.speaker == standing
        bar = voting.threshold - voting.hysteresis if keeps else voting.threshold
        if best.cosine < bar:
            return True, None
        if others and best.cosine - others[0].cosine < voting.min_margin and not keeps:
            return False, None
        return True, best.speaker

    def _remember(self, vote: Vote) -> None:
        if self._votes and vote.stop - self._votes[-1].stop > self._voting.ttl_s * RATE:
            self._votes.clear()  # one stray window now and one later are not two in a row
        self._votes.append(vote)

    def _agreed(self, vote: str | None) -> bool:
        needed = self._voting.unknown_windows if vote is None else self._voting.verify_windows
        recent = list(self._votes)[-needed:]
        return len(recent) == needed and all(each.speaker == vote for each in recent)
