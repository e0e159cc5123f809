"""How far a figure would move with other speakers, or other trials of the same kind: seeded resampling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earwitnessd.evaluation.metrics import Labels, Scores

RESAMPLES = 200
LEVEL = 0.95
SEED = 20_2611


@dataclass(frozen=True, eq=False, slots=True)
class Speakers:
    """Who speaks in each trial, as numbers from 0."""

    enrolled: NDArray[np.intp]
    tested: NDArray[np.intp]

    def __getitem__(self, chosen: NDArray[np.intp] | Labels) -> Speakers:
        """Of some of the trials."""
        return Speakers(self.enrolled[chosen], self.tested[chosen])


def interval(
    statistic: Callable[[Scores], float],
    target: Labels,
    speakers: Speakers | None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> tuple[float, float]:
    """Bounds (95 %) of a statistic of trial weights.

    Speakers are drawn with all their trials, because trials of one speaker tell much the same; of unknown
    speakers, the trials are drawn. Draws without targets or without non-targets do not count.
    """
    random = np.random.default_rng(seed)
    values = []
    for _ in range(resamples):
        weights = _by_trial(target, random) if speakers is None else _by_speaker(speakers, target, random)
        if weights[target].any() and weights[~target].any():
            values.append(statistic(weights))
    if not values:
        return 0.0, 1.0
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _by_trial(target: Labels, random: np.random.Generator) -> Scores:
    weights = np.zeros(len(target))
    for kind in (target, ~target):
        count = int(kind.sum())
        weights[kind] = random.multinomial(count, np.full(count, 1 / count))
    return weights


def _by_speaker(speakers: Speakers, target: Labels, random: np.random.Generator) -> Scores:
    count = int(max(speakers.enrolled.max(), speakers.tested.max())) + 1
    present = np.unique(np.concatenate((speakers.enrolled, speakers.tested)))
    drawn = np.zeros(count)
    drawn[present] = random.multinomial(len(present), np.full(len(present), 1 / len(present)))
    return np.asarray(drawn[speakers.enrolled] * np.where(target, 1.0, drawn[speakers.tested]))
