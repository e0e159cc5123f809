"""The sequential test: evidence of overlapping windows adds up, and fades, until it reaches a bound."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable

import msgspec
import numpy as np

from earwitness.events import RATE
from earwitnessd.decision.bounds import Bounds, Floats, Own, Table, seats
from earwitnessd.decision.opinion import Evidence, Opinion, Weight
from earwitnessd.score import Scores, likeness
from earwitnessd.score.likeness import place_of

__all__ = [
    "Bounds",
    "Memory",
    "Own",
    "SequentialTest",
    "added",
    "faded",
    "opinion",
    "passed_over",
    "posteriors",
]

CONTRADICTED = 0.5  # of what spoke for somebody counts on when a window speaks against them
FORGIVEN = 0.25  # of what spoke against them, when one speaks for them: another voice may have had the turn
FEW = 1000  # so many exponentials are Python's own: numpy's differ in the last digit between processors
FEWER = likeness.FEW  # so many people are plain numbers


class Memory(msgspec.Struct, frozen=True):
    """All that the test knows of the past: a snapshot to go on from."""

    names: tuple[str, ...] = ()
    # of the people it knows something about, sorted
    means: bytes = b""
    # LLR of each, over the windows it rests on; this and the next as float64, for there may be a crowd
    windows: bytes = b""
    # how many those are, as many as their speech is worth, faded
    at: int = 0
    # stop of the last window
    unused_speech_s: float = 0.0
    # new speech in windows that decided nothing: the next one brings it again

    def llrs(self, bounds: Bounds) -> dict[str, float]:
        """Evidence for each person in nats."""
        return dict(zip(self.names, self.nats(bounds).tolist(), strict=True))

    def nats(self, bounds: Bounds) -> Floats:
        """The same as a column."""
        if len(self.names) <= FEWER:
            means, windows = _numbers(self.means), _numbers(self.windows)
            return np.array([mean * _worth(past, bounds) for mean, past in zip(means, windows, strict=True)])
        return _column(self.means) * independent(_column(self.windows), bounds)


def independent(windows: Floats, bounds: Bounds) -> Floats:
    """How many independent windows so many are worth: never more than 1 / correlation."""
    return windows / (1.0 + np.maximum(windows - 1.0, 0.0) * bounds.correlation)


def _worth(windows: float, bounds: Bounds) -> float:
    """The same of one person's."""
    return windows / (1.0 + max(windows - 1.0, 0.0) * bounds.correlation)


def faded(memory: Memory, stop: int, bounds: Bounds) -> Memory:
    """The same, as it is remembered at `stop`."""
    kept = 0.5 ** (max(0, stop - memory.at) / RATE / bounds.half_life_s)
    if len(memory.names) <= FEWER:
        windows = _packed([past * kept for past in _numbers(memory.windows)])
    else:
        windows = (_column(memory.windows) * kept).tobytes()
    return Memory(memory.names, memory.means, windows, max(stop, memory.at), memory.unused_speech_s)


def passed_over(memory: Memory, evidence: Evidence, bounds: Bounds) -> Memory:
    """After a window that says nothing: time passes, and nothing else."""
    unused_s = min(memory.unused_speech_s + evidence.new_speech_s, evidence.speech_s)
    return msgspec.structs.replace(faded(memory, evidence.stop, bounds), unused_speech_s=unused_s)


def added(memory: Memory, evidence: Evidence, bounds: Bounds) -> Memory:
    """After a window whose scores count; one without new speech does not.

    The window counts whole, so of what was heard before only what it does not hear again, and of what it
    contradicts only a part: perhaps somebody else speaks now. One that agrees never lowers the evidence.
    """
    new_s = evidence.new_speech_s + memory.unused_speech_s
    everybody = evidence.scores.names
    if new_s <= 0.0 or evidence.speech_s <= 0.0:
        return _of(everybody, passed_over(memory, evidence, bounds))
    heard_again = 1.0 - min(1.0, new_s / evidence.speech_s)
    kept = _of(everybody, faded(memory, evidence.stop, bounds))
    add = _few_added if len(everybody) <= FEWER else _many_added
    means, windows = add(kept, _llrs(evidence.scores), heard_again, bounds)
    return Memory(kept.names, means, windows, kept.at)


def _few_added(kept: Memory, llrs: Floats, heard_again: float, bounds: Bounds) -> tuple[bytes, bytes]:
    columns = _numbers(kept.means), _numbers(kept.windows), llrs.tolist()
    people = [_one_added(*each, heard_again, bounds) for each in zip(*columns, strict=True)]
    return _packed([mean for mean, _ in people]), _packed([windows for _, windows in people])


def _one_added(
    mean: float, windows: float, llr: float, heard_again: float, bounds: Bounds
) -> tuple[float, float]:
    before = mean * _worth(windows, bounds)
    past = max(windows - heard_again, 0.0)
    if llr * mean < 0.0:
        past *= FORGIVEN if llr > 0.0 else CONTRADICTED
    worth = _worth(past + 1.0, bounds)
    after = (past * mean + llr) / (past + 1.0) * worth
    after = max(after, before) if llr >= 0.0 else min(after, before)
    after = max(min(after, bounds.most), bounds.least)
    return after / worth, past + 1.0


def _many_added(kept: Memory, llrs: Floats, heard_again: float, bounds: Bounds) -> tuple[bytes, bytes]:
    """The same for a crowd."""
    means, windows = _column(kept.means), _column(kept.windows)
    before = means * independent(windows, bounds)
    past = np.maximum(windows - heard_again, 0.0) * _kept_of(means, llrs)
    worth = independent(past + 1.0, bounds)
    after = (past * means + llrs) / (past + 1.0) * worth
    after = np.where(llrs >= 0.0, np.maximum(after, before), np.minimum(after, before))
    after = np.maximum(np.minimum(after, bounds.most), bounds.least)
    return (after / worth).tobytes(), (past + 1.0).tobytes()


def _kept_of(means: Floats, llrs: Floats) -> Floats:
    """How much of what was heard counts on beside a window that says this."""
    return np.where(llrs * means >= 0.0, 1.0, np.where(llrs > 0.0, FORGIVEN, CONTRADICTED))


def _llrs(scores: Scores) -> Floats:
    """What the window says of everybody; nothing where there is no calibration."""
    return np.zeros(len(scores)) if scores.llrs is None else scores.llrs


def _column(values: bytes) -> Floats:
    """Read-only."""
    return np.frombuffer(values, dtype=np.float64)


def _numbers(values: bytes) -> list[float]:
    numbers: list[float] = array("d", values).tolist()
    return numbers


def _packed(values: list[float]) -> bytes:
    return array("d", values).tobytes()


def _of(names: tuple[str, ...], memory: Memory) -> Memory:
    """What is known of these people, in this order."""
    if names is memory.names:
        return memory
    if names == memory.names:
        return msgspec.structs.replace(memory, names=names)  # from now on they are compared at a glance
    means, windows = np.zeros(len(names)), np.zeros(len(names))
    known = seats(names, memory.names)
    old, new = [place for _, place in seats(memory.names, (name for name, _ in known))], [p for _, p in known]
    means[new], windows[new] = _column(memory.means)[old], _column(memory.windows)[old]
    return msgspec.structs.replace(memory, names=names, means=means.tobytes(), windows=windows.tobytes())


def posteriors(llrs: Floats, log_odds: Floats) -> tuple[Floats, float]:
    """Probability of each person, and that it is none of them; the prior is shared among all."""
    if len(llrs) <= FEWER:
        return _few_posteriors(llrs.tolist(), log_odds.tolist())
    logs = log_odds + llrs
    highest = max(0.0, float(logs.max()))
    nobody, people = math.exp(-highest), exponentials(logs - highest)
    whole = nobody + total(people)
    return people / whole, nobody / whole


def _few_posteriors(llrs: list[float], log_odds: list[float]) -> tuple[Floats, float]:
    logs = [odds + llr for odds, llr in zip(log_odds, llrs, strict=True)]
    highest = max(logs, default=0.0)
    highest = max(0.0, highest)
    nobody, people = math.exp(-highest), [math.exp(log - highest) for log in logs]
    whole = nobody + sum(people)
    return np.array([person / whole for person in people]), nobody / whole


def exponentials(logs: Floats) -> Floats:
    """Of each."""
    if len(logs) > FEW:
        return np.exp(logs)
    return np.array([math.exp(log) for log in logs.tolist()])


def total(values: Floats) -> float:
    """Of few one after the other."""
    return float(values.sum()) if len(values) > FEW else sum(values.tolist())


def opinion(
    scores: Scores, llrs: Floats, standing: str | None, stands: bool, bounds: Bounds, table: Table
) -> Opinion:
    """Who it is by this evidence; if an opinion `stands`, `standing` is whom it names."""
    first, lead = _first_of_few(llrs.tolist()) if len(llrs) <= FEWER else _first_of_many(llrs)
    people, nobody = posteriors(llrs, table.log_odds)
    most, accept = float(llrs[first]), bounds.accept_of(table.names[first])

    def named(row: int, *, enough: bool) -> Opinion:
        score = scores.at(row)
        return Opinion(
            score.speaker,
            enough,
            (score.cosine,),
            llr=float(llrs[row]),
            needed=bounds.accept_of(score.speaker),
            posterior=float(people[row]),
        )

    if most >= accept and lead >= bounds.lead:
        return named(first, enough=True)
    stays = scores.row(standing) if stands and standing is not None else None
    if stays is not None and bounds.accept_of(scores.names[stays]) <= llrs[stays] > most - bounds.lead:
        return named(stays, enough=False)
    if most >= accept:
        return Opinion.none("margin")
    nearest = int((llrs - table.reject).argmax()) if bounds.own else first
    llr, needed = float(llrs[nearest]), float(table.reject[nearest])
    if (enough := llr <= needed) or (stands and standing is None and most < 0.0):
        cosine = scores.at(nearest).cosine
        return Opinion(None, enough, (cosine,), llr=llr, needed=needed, posterior=nobody)
    return Opinion.none("undecided")


def _first_of_few(llrs: list[float]) -> tuple[int, float]:
    """Who has most, and how much more than anybody else; infinitely much where there is nobody else."""
    most = max(llrs)
    first = llrs.index(most)
    return first, most - max([*llrs[:first], *llrs[first + 1 :]], default=-math.inf)


def _first_of_many(llrs: Floats) -> tuple[int, float]:
    """The same of a crowd."""
    first = int(llrs.argmax())
    others = llrs.copy()
    others[first] = -math.inf
    return first, float(llrs[first] - others.max())


class SequentialTest:
    """One stream's evidence for each person. Positions are its only clock."""

    def __init__(self, bounds: Bounds, memory: Memory | None = None) -> None:
        self.bounds = bounds
        self.memory = memory or Memory()
        # assign one to go on from there
        self.llrs: Floats = np.empty(0)
        # nats for each person of the last window that was heard
        self._heard: Memory | None = None
        # what they follow from

    def forget(self) -> None:
        """What was heard is worth nothing any more."""
        self.memory = Memory()

    def weigh(self, speakers: Iterable[str]) -> dict[str, Weight]:
        """What has been heard of each of these people up to now."""
        bounds, names = self.bounds, self.memory.names
        llrs = self.llrs if self.memory is self._heard else self.memory.nats(bounds)
        places = [(name, place_of(names, name)) for name in speakers]
        return {
            name: Weight(
                0.0 if place is None else float(llrs[place]), bounds.accept_of(name), bounds.reject_of(name)
            )
            for name, place in places
        }

    def pass_over(self, evidence: Evidence) -> None:
        """A window that says nothing."""
        self.memory = passed_over(self.memory, evidence, self.bounds)

    def hear(self, evidence: Evidence, standing: str | None, stands: bool) -> Opinion:
        """What is thought after one more window."""
        self.memory = self._heard = added(self.memory, evidence, self.bounds)
        self.llrs = self.memory.nats(self.bounds)
        table = self.bounds.table(self.memory.names)
        return opinion(evidence.scores, self.llrs, standing, stands, self.bounds, table)
