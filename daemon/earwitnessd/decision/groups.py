"""What all that was heard says about a group: whether anyone of it is speaking, whoever it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import msgspec
import numpy as np

from earwitnessd.decision.bounds import Bounds, Floats, Rows, Table, seats
from earwitnessd.decision.opinion import Evidence, Opinion
from earwitnessd.decision.roster import NOTHING_OWN, OwnPoint
from earwitnessd.decision.sequential import exponentials, total
from earwitnessd.score import Score, Scores

ANYONE = "*"  # stands for the group among its windows' scores: nobody can be called so


@dataclass(frozen=True, slots=True)
class GroupWish:
    """What the settings say of a group."""

    own: OwnPoint = NOTHING_OWN
    watchlist: bool = False
    ttl_s: float | None = None
    # None: as for people


@dataclass(frozen=True)
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

    def rows(self, names: tuple[str, ...]) -> Rows:
        """Where the members stand among these people, who are the same from window to window."""
        if not self._seats or self._seats[0][0] is not names:
            found = [place for _, place in seats(names, self.members)]
            self._seats[:] = [(names, np.array(found, dtype=np.intp))]
        return self._seats[0][1]

    @cached_property
    def _seats(self) -> list[tuple[tuple[str, ...], Rows]]:
        """Those that were last asked for; all streams share them."""
        return []


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
    posterior: Callable[[], float | None] = lambda: None
    # worked out where it is told only: it takes everybody


def of_evidence(group: Group, evidence: Evidence, llrs: Floats, bounds: Bounds) -> GroupOpinion:
    """By evidence that has added up for each person."""
    rows = group.rows(evidence.scores.names)
    members, others = llrs[rows], _without(llrs, rows)
    together = _log_sum(members)
    llr = together - math.log(len(members))
    other = int(others.argmax()) if len(members) < len(llrs) else None
    lead = together - float(others[other]) if other is not None else math.inf
    somebody_else = other is not None and _is_named(evidence, other, float(others[other]), -lead, bounds)
    return GroupOpinion(
        enough=llr >= group.accept and lead >= bounds.lead,
        holds=llr >= group.accept and lead > -bounds.lead,
        contrary=llr <= group.reject or somebody_else,
        likeliest=evidence.scores.at(int(rows[members.argmax()])),
        llr=llr,
        posterior=lambda: _posterior(group, llr, others, bounds.table(evidence.scores.names)),
    )


def _is_named(evidence: Evidence, row: int, llr: float, lead: float, bounds: Bounds) -> bool:
    return llr >= bounds.accept_of(evidence.scores.names[row]) and lead >= bounds.lead


def of_votes(group: Group, evidence: Evidence, opinion: Opinion) -> GroupOpinion:
    """By what windows voted in which the group stood for its members."""
    ours = opinion.speaker == ANYONE
    return GroupOpinion(
        enough=ours and opinion.enough,
        holds=ours,
        contrary=opinion.enough and not ours,
        likeliest=evidence.scores.nearest(group.rows(evidence.scores.names), 1)[0],
    )


def as_one(group: Group, evidence: Evidence) -> Evidence:
    """The window as if the group were one person, as much alike as the member most alike."""
    rows = group.rows(evidence.scores.names)
    first = msgspec.structs.replace(evidence.scores.foremost(rows), speaker=ANYONE)
    others = np.flatnonzero(_without(np.zeros(len(evidence.scores)), rows) == 0.0)
    near = (first, *(evidence.scores.nearest(others, 2) if len(others) else ()))  # no vote looks at more
    return msgspec.structs.replace(
        evidence, scores=Scores.listed(sorted(near, key=lambda score: -score.cosine))
    )


def _without(values: Floats, rows: Rows) -> Floats:
    left = values.copy()
    left[rows] = -math.inf
    return left


def _posterior(group: Group, llr: float, others: Floats, table: Table) -> float:
    """Probability that it is anyone of the group, against a stranger and everybody else who is enrolled."""
    ours = math.log(group.odds) + llr
    return math.exp(ours - _log_sum(np.concatenate([[ours, 0.0], table.log_odds + others])))


def _log_sum(logs: Floats) -> float:
    highest = float(logs.max())
    return highest + math.log(total(exponentials(logs - highest)))
