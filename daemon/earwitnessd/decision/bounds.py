"""What evidence has to reach, in nats: for everybody, for whoever differs, and as columns for a crowd."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from earwitnessd.score.likeness import place_of

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

BEYOND = 3.0  # nats: evidence further beyond a bound is not kept, or a change would be noticed late


@dataclass(frozen=True, slots=True)
class Own:
    """What holds for one person in place of what holds for all."""

    accept: float
    # nats, as in `Bounds`
    reject: float
    odds: float
    # that a voice is theirs rather than a stranger's, before it is heard


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """Bounds for these people as columns."""

    names: tuple[str, ...]
    # sorted
    log_odds: Floats
    # that a voice is each one's, before it is heard
    reject: Floats


@dataclass(frozen=True)
class Bounds:
    """What the evidence has to reach, in nats, and how windows add up to it."""

    accept: float
    # for a person to be verified, above 0
    reject: float
    # that of nobody may be above this for a voice to be unknown, below 0
    lead: float
    # so much more than for anybody else
    correlation: float
    # between windows that share no audio, 0 to 1
    half_life_s: float
    # of what was heard
    prior: float
    # probability that a voice is an enrolled person's, before it is heard
    own: Mapping[str, Own] = field(default_factory=dict)
    # by name
    ceiling: float = 0.0
    # evidence up to this is asked for besides, by groups

    def accept_of(self, speaker: str) -> float:
        """What the evidence for this person has to reach."""
        own = self.own.get(speaker)
        return own.accept if own else self.accept

    def reject_of(self, speaker: str) -> float:
        """What the evidence for this person has to fall to, for a voice to be unknown."""
        own = self.own.get(speaker)
        return own.reject if own else self.reject

    def odds_of(self, speaker: str, people: int) -> float:
        """That a voice is this one's of so many, rather than a stranger's, before it is heard."""
        own = self.own.get(speaker)
        return own.odds if own else self.prior / (1.0 - self.prior) / people

    @cached_property
    def most(self) -> float:
        """More evidence than this is not kept."""
        return max([self.accept, self.ceiling, *(own.accept for own in self.own.values())]) + BEYOND

    @cached_property
    def least(self) -> float:
        """Nor more against somebody."""
        return min([self.reject, *(own.reject for own in self.own.values())]) - BEYOND

    def table(self, names: tuple[str, ...]) -> Table:
        """For these people, who are the same from window to window: all streams share one table."""
        if not self._tables or self._tables[0].names is not names:
            self._tables[:] = [self._table(names)]
        return self._tables[0]

    @cached_property
    def _tables(self) -> list[Table]:
        """The last one that was asked for."""
        return []

    def _table(self, names: tuple[str, ...]) -> Table:
        people = max(1, len(names))
        table = Table(
            names, np.full(len(names), math.log(self.odds_of("", people))), np.full(len(names), self.reject)
        )
        for name, row in seats(names, self.own):
            table.log_odds[row] = math.log(self.own[name].odds)
            table.reject[row] = self.own[name].reject
        return table


def seats(names: tuple[str, ...], wanted: Iterable[str]) -> list[tuple[str, int]]:
    """Those of the wanted who are among sorted names, each with their place there."""
    places = ((name, place_of(names, name)) for name in wanted)
    return [(name, place) for name, place in places if place is not None]
