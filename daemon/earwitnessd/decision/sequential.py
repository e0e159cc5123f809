"""The sequential test: evidence of overlapping windows adds up, and fades, until it reaches a bound."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from earwitness.events import RATE
from earwitnessd.decision.opinion import Evidence, Opinion, Weight
from earwitnessd.score import Score

Floats = npt.NDArray[np.float64]

BEYOND = 3.0  # nats: evidence further beyond a bound is not kept, or a change would be noticed late
CONTRADICTED = 0.5  # of what spoke for somebody counts on when a window speaks against them
FORGIVEN = 0.25  # of what spoke against them, when one speaks for them: another voice may have had the turn


@dataclass(frozen=True, slots=True)
class Own:
    """What holds for one person in place of what holds for all."""

    accept: float
    # nats, as in `Bounds`
    reject: float
    odds: float
    # that a voice is theirs rather than a stranger's, before it is heard


@dataclass(frozen=True, slots=True)
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

    @property
    def most(self) -> float:
        """More evidence than this is not kept."""
        return max([self.accept, self.ceiling, *(own.accept for own in self.own.values())]) + BEYOND

    @property
    def least(self) -> float:
        """Nor more against somebody."""
        return min([self.reject, *(own.reject for own in self.own.values())]) - BEYOND


@dataclass(frozen=True, slots=True)
class Memory:
    """All that the test knows of the past: a snapshot to go on from."""

    names: tuple[str, ...] = ()
    # of the people it knows something about
    means: tuple[float, ...] = ()
    # LLR of each, over the windows it rests on
    windows: tuple[float, ...] = ()
    # how many those are, as many as their speech is worth, faded
    at: int = 0
    # stop of the last window
    unused_speech_s: float = 0.0
    # new speech in windows that decided nothing: the next one brings it again

    def llrs(self, bounds: Bounds) -> dict[str, float]:
        """Evidence for each person in nats."""
        evidence = np.array(self.means) * independent(np.array(self.windows), bounds)
        return dict(zip(self.names, evidence.tolist(), strict=True))


def independent(windows: Floats, bounds: Bounds) -> Floats:
    """How many independent windows so many are worth: never more than 1 / correlation."""
    return windows / (1.0 + np.maximum(windows - 1.0, 0.0) * bounds.correlation)


def faded(memory: Memory, stop: int, bounds: Bounds) -> Memory:
    """The same, as it is remembered at `stop`."""
    kept = 0.5 ** (max(0, stop - memory.at) / RATE / bounds.half_life_s)
    windows = tuple((np.array(memory.windows) * kept).tolist())
    return replace(memory, windows=windows, at=max(stop, memory.at))


def passed_over(memory: Memory, evidence: Evidence, bounds: Bounds) -> Memory:
    """After a window that says nothing: time passes, and nothing else."""
    unused_s = min(memory.unused_speech_s + evidence.new_speech_s, evidence.speech_s)
    return replace(faded(memory, evidence.stop, bounds), unused_speech_s=unused_s)


def added(memory: Memory, evidence: Evidence, bounds: Bounds) -> Memory:
    """After a window whose scores count; one without new speech does not.

    The window counts whole, so of what was heard before only what it does not hear again, and of what it
    contradicts only a part: perhaps somebody else speaks now. One that agrees never lowers the evidence.
    """
    new_s = evidence.new_speech_s + memory.unused_speech_s
    said = {score.speaker: score.llr or 0.0 for score in evidence.scores}
    everybody = tuple(sorted(said))
    if new_s <= 0.0 or evidence.speech_s <= 0.0:
        return _of(everybody, passed_over(memory, evidence, bounds))
    heard_again = 1.0 - min(1.0, new_s / evidence.speech_s)
    kept = _of(everybody, faded(memory, evidence.stop, bounds))
    means, windows = np.array(kept.means), np.array(kept.windows)
    llrs = np.array([said[name] for name in kept.names])
    before = means * independent(windows, bounds)
    past = np.maximum(windows - heard_again, 0.0) * _kept_of(means, llrs)
    worth = independent(past + 1.0, bounds)
    after = (past * means + llrs) / (past + 1.0) * worth
    after = np.where(llrs >= 0.0, np.maximum(after, before), np.minimum(after, before))
    after = np.clip(after, bounds.least, bounds.most)
    return Memory(kept.names, tuple((after / worth).tolist()), tuple((past + 1.0).tolist()), kept.at)


def _kept_of(means: Floats, llrs: Floats) -> Floats:
    """How much of what was heard counts on beside a window that says this."""
    return np.where(llrs * means >= 0.0, 1.0, np.where(llrs > 0.0, FORGIVEN, CONTRADICTED))


def _of(names: tuple[str, ...], memory: Memory) -> Memory:
    """What is known of these people, in this order."""
    if names == memory.names:
        return memory
    known = dict(zip(memory.names, zip(memory.means, memory.windows, strict=True), strict=True))
    chosen = [known.get(name, (0.0, 0.0)) for name in names]
    means, windows = tuple(mean for mean, _ in chosen), tuple(count for _, count in chosen)
    return replace(memory, names=names, means=means, windows=windows)


def posteriors(llrs: dict[str, float], bounds: Bounds) -> tuple[dict[str, float], float]:
    """Probability of each person, and that it is none of them; the prior is shared among all."""
    people = len(llrs)
    logs = {name: math.log(bounds.odds_of(name, people)) + llr for name, llr in llrs.items()}
    highest = max(0.0, *logs.values())
    nobody = math.exp(-highest)
    whole = nobody + sum(math.exp(log - highest) for log in logs.values())
    return {name: math.exp(log - highest) / whole for name, log in logs.items()}, nobody / whole


def opinion(
    scores: tuple[Score, ...], llrs: dict[str, float], standing: str | None, stands: bool, bounds: Bounds
) -> Opinion:
    """Who it is by this evidence; if an opinion `stands`, `standing` is whom it names."""
    first, *others = heapq.nsmallest(2, llrs, key=lambda name: (-llrs[name], name))
    people, nobody = posteriors(llrs, bounds)
    lead = llrs[first] - llrs[others[0]] if others else math.inf
    cosines = {score.speaker: (score.cosine,) for score in scores}

    def named(speaker: str, *, enough: bool) -> Opinion:
        return Opinion(
            speaker,
            enough,
            cosines[speaker],
            llr=llrs[speaker],
            needed=bounds.accept_of(speaker),
            posterior=people[speaker],
        )

    if llrs[first] >= bounds.accept_of(first) and lead >= bounds.lead:
        return named(first, enough=True)
    if stands and standing in llrs and llrs[standing] > max(0.0, llrs[first] - bounds.lead):
        return named(standing, enough=False)
    if llrs[first] >= bounds.accept_of(first):
        return Opinion.none("margin")
    nearest = max(llrs, key=lambda name: llrs[name] - bounds.reject_of(name)) if bounds.own else first
    enough, needed = llrs[nearest] <= bounds.reject_of(nearest), bounds.reject_of(nearest)
    if enough or (stands and standing is None and llrs[first] < 0.0):
        return Opinion(None, enough, cosines[nearest], llr=llrs[nearest], needed=needed, posterior=nobody)
    return Opinion.none("undecided")


class SequentialTest:
    """One stream's evidence for each person. Positions are its only clock."""

    def __init__(self, bounds: Bounds, memory: Memory | None = None) -> None:
        self.bounds = bounds
        self.memory = memory or Memory()
        # assign one to go on from there

    def forget(self) -> None:
        """What was heard is worth nothing any more."""
        self.memory = Memory()

    def weigh(self, speakers: Iterable[str]) -> dict[str, Weight]:
        """What has been heard of each of these people up to now."""
        bounds, llrs = self.bounds, self.memory.llrs(self.bounds)
        return {
            name: Weight(llrs.get(name, 0.0), bounds.accept_of(name), bounds.reject_of(name))
            for name in speakers
        }

    def pass_over(self, evidence: Evidence) -> None:
        """A window that says nothing."""
        self.memory = passed_over(self.memory, evidence, self.bounds)

    def hear(self, evidence: Evidence, standing: str | None, stands: bool) -> Opinion:
        """What is thought after one more window."""
        self.memory = added(self.memory, evidence, self.bounds)
        llrs = self.memory.llrs(self.bounds)
        return opinion(evidence.scores, llrs, standing, stands, self.bounds)
