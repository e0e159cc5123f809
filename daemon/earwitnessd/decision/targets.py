"""From asked error rates to bounds on evidence: a target holds for all that it is asked for together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from earwitnessd.calibration import Points
from earwitnessd.decision.bounds import Bounds, Own
from earwitnessd.decision.groups import Group, GroupWish
from earwitnessd.decision.roster import NOTHING_OWN, OwnPoint, Point, Roster

LEAST_BOUND = 0.1  # nats: evidence for nothing verifies nobody


@dataclass(frozen=True, slots=True)
class Targets:
    """What is asked for, and what a calibration knows of the evidence that strangers and enrolled reach."""

    point: Point
    # of everybody who has none of their own
    shared: bool
    # the false-match rate is for all of them together, not for each
    people: tuple[tuple[str, OwnPoint], ...]
    # by name, from the settings: these count more than what is kept with the profile
    turns: Points
    lead: float
    correlation: float
    half_life_s: float

    def bounds(self, roster: Roster = ()) -> Bounds:
        """For these people; for one alone if there are none."""
        own = list(self._own(roster))
        people = max(1, len(roster))
        sharing = people - sum(differs.target_fmr is not None for _, differs in own)
        shared_fmr = self.point.target_fmr / (max(1, sharing) if self.shared else 1)
        everybody = Point(shared_fmr, self.point.target_fnmr, self.point.prior)
        each = odds_of(self.point.prior) / people
        return Bounds(
            accept=self._accept(everybody, each),
            reject=self._reject(self.point),
            lead=self.lead,
            correlation=self.correlation,
            half_life_s=self.half_life_s,
            prior=self.point.prior,
            own={name: self._bounds_of(differs, everybody, each) for name, differs in own},
        )

    def group(self, group: Group, wish: GroupWish, bounds: Bounds, people: int) -> Group:
        """The group with the bounds that its operating point asks for.

        The evidence for it is the mean likelihood ratio of its members, so one of n alone needs log n more.
        The bound keeps the asked rate whether strangers score alike with all members, with none but one, or
        with any number of them: the worst of these counts.
        """
        point = wish.own.over(self.point)
        odds = sum(bounds.odds_of(name, people) for name in group.members)
        if wish.own.prior is not None:
            odds = odds_of(wish.own.prior)
        apart = {len(group.members), *(2**power for power in range(len(group.members).bit_length()))}
        worst = max(
            self.turns.accept(point.target_fmr / many, point.target_fnmr) - math.log(many) for many in apart
        )
        return group.bounded(
            accept=max(worst, -math.log(odds), LEAST_BOUND),
            reject=min(self.turns.reject(point.target_fmr, point.target_fnmr), -LEAST_BOUND),
            odds=odds,
        )

    def _own(self, roster: Roster) -> Iterator[tuple[str, OwnPoint]]:
        """Of those who differ; of a crowd hardly anybody does."""
        settings = dict(self.people)
        for member in roster:
            if member.own is NOTHING_OWN and member.name not in settings:
                continue
            differs = member.own.under(settings.get(member.name, NOTHING_OWN))
            if not differs.is_empty:
                yield member.name, differs

    def _bounds_of(self, differs: OwnPoint, everybody: Point, each: float) -> Own:
        point = differs.over(everybody)
        odds = each if differs.prior is None else odds_of(differs.prior)
        return Own(accept=self._accept(point, odds), reject=self._reject(point), odds=odds)

    def _accept(self, point: Point, odds: float) -> float:
        # a verdict is never less likely than its contrary
        return max(self.turns.accept(point.target_fmr, point.target_fnmr), -math.log(odds), LEAST_BOUND)

    def _reject(self, point: Point) -> float:
        rates = self.turns.reject(point.target_fmr, point.target_fnmr)
        return min(rates, -math.log(odds_of(point.prior)), -LEAST_BOUND)


def odds_of(probability: float) -> float:
    """So many times as likely as the contrary."""
    return probability / (1.0 - probability)
