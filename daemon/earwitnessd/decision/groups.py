"""What all that was heard says about a group: whether anyone of it is speaking, whoever it is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from earwitnessd.decision.opinion import Evidence, Opinion
from earwitnessd.decision.roster import NOTHING_OWN, OwnPoint
from earwitnessd.decision.sequential import Bounds
from earwitnessd.score import Score

ANYONE = "*"  # stands for the group among its windows' scores: nobody can be called so


@dataclass(frozen=True, slots=True)
class GroupWish:
    """What the settings say of a group."""

    own: OwnPoint = NOTHING_OWN
    watchlist: bool = False
    ttl_s: float | None = None
    # None: as for people


@dataclass(frozen=True, slots=True)
class Group:
    """Enrolled people of whom any may be the one."""

    name: str
    members: tuple[str, ...]
    # by name, at least one
    watchlist: bool
    ttl_s: float
    accept: float = math.inf
    # nats that the evidence for anyone of it has to reach; this and the next two: calibrated only
    reject: float = -math.inf
    # nats at which it is none of them
    odds: float = 1.0
    # that a voice is a member's rather than a stranger's, before it is heard

    def bounded(self, *, accept: float, reject: float, odds: float) -> Group:
        """The same with these bounds."""
        return replace(self, accept=accept, reject=reject, odds=odds)

    @property
    def most(self) -> float:
        """Evidence for a member that is enough for all of it, with the others ruled out."""
        return self.accept + math.log(len(self.members))


@dataclass(frozen=True, slots=True)
class GroupOpinion:
    """Whether anyone of a group is speaking."""

    enough: bool
    # to say so if it was not said before
    holds: bool
    # as far as to stand by it
    contrary: bool
    # it is somebody else, sure enough to say so
    likeliest: Score
    # the member most alike by the last window
    llr: float | None = None
    # nats, for anyone of the group against a stranger
    posterior: float | None = None


def of_evidence(group: Group, evidence: Evidence, llrs: Mapping[str, float], bounds: Bounds) -> GroupOpinion:
    """By evidence that has added up for each person."""
    members = {name: llrs[name] for name in group.members if name in llrs}
    others = {name: llr for name, llr in llrs.items() if name not in members}
    together = _log_sum(members.values())
    llr = together - math.log(len(members))
    other = max(others, key=lambda name: others[name], default=None)
    lead = together - others[other] if other else math.inf
    somebody_else = other is not None and others[other] >= bounds.accept_of(other) and -lead >= bounds.lead
    return GroupOpinion(
        enough=llr >= group.accept and lead >= bounds.lead,
        holds=llr > 0.0 and lead > -bounds.lead,
        contrary=llr <= group.reject or somebody_else,
        likeliest=_likeliest(group, evidence, members),
        llr=llr,
        posterior=_posterior(group, llr, others, bounds),
    )


def of_votes(group: Group, evidence: Evidence, opinion: Opinion) -> GroupOpinion:
    """By what windows voted in which the group stood for its members."""
    ours = opinion.speaker == ANYONE
    cosines = {score.speaker: score.cosine for score in evidence.scores}
    return GroupOpinion(
        enough=ours and opinion.enough,
        holds=ours,
        contrary=opinion.enough and not ours,
        likeliest=_likeliest(group, evidence, cosines),
    )


def as_one(group: Group, evidence: Evidence) -> Evidence:
    """The window as if the group were one person, as much alike as the member most alike."""
    first = next(score for score in evidence.scores if score.speaker in group.members)
    scores = [
        replace(score, speaker=ANYONE) if score is first else score
        for score in evidence.scores
        if score is first or score.speaker not in group.members
    ]
    return replace(evidence, scores=tuple(sorted(scores, key=lambda score: -score.cosine)))


def _likeliest(group: Group, evidence: Evidence, by: Mapping[str, float]) -> Score:
    name = max((member for member in group.members if member in by), key=lambda member: by[member])
    return next(score for score in evidence.scores if score.speaker == name)


def _posterior(group: Group, llr: float, others: Mapping[str, float], bounds: Bounds) -> float:
    """Probability that it is anyone of the group, against a stranger and everybody else who is enrolled."""
    people = len(others) + len(group.members)
    ours = math.log(group.odds) + llr
    contrary = [math.log(bounds.odds_of(name, people)) + other for name, other in others.items()]
    return math.exp(ours - _log_sum([ours, 0.0, *contrary]))


def _log_sum(logs: Iterable[float]) -> float:
    values = list(logs)
    highest = max(values)
    return highest + math.log(sum(math.exp(value - highest) for value in values))
