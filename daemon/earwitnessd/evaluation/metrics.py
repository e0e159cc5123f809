"""Equal error rate and minimum detection cost of a set of scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


def error_rates(scores: Scores, target: NDArray[np.bool_]) -> tuple[Scores, Scores]:
    """Miss and false-alarm rates at every threshold, from accepting all trials to accepting none.

    Trials of equal score are accepted or rejected together.
    """
    order = np.argsort(scores, kind="stable")
    ranked, is_target = scores[order], target[order]
    rejected = np.concatenate(([0], np.flatnonzero(np.diff(ranked)) + 1, [len(ranked)]))
    misses = np.concatenate(([0], np.cumsum(is_target)))[rejected]
    rejected_non_targets = np.concatenate(([0], np.cumsum(~is_target)))[rejected]
    return misses / is_target.sum(), 1 - rejected_non_targets / (~is_target).sum()


def equal_error_rate(scores: Scores, target: NDArray[np.bool_]) -> float:
    """Where the miss and the false-alarm rate cross, interpolated between thresholds."""
    miss, false_alarm = error_rates(scores, target)
    after = int(np.argmax(miss >= false_alarm))
    if after == 0:
        return float(miss[0])
    gap_before = false_alarm[after - 1] - miss[after - 1]
    gap_after = miss[after] - false_alarm[after]
    share = gap_before / (gap_before + gap_after)
    return float(miss[after - 1] + share * (miss[after] - miss[after - 1]))


def minimum_cost(scores: Scores, target: NDArray[np.bool_], prior: float) -> float:
    """minDCF with unit costs, as a share of the cost of the better blind decision."""
    miss, false_alarm = error_rates(scores, target)
    costs = prior * miss + (1 - prior) * false_alarm
    return float(costs.min() / min(prior, 1 - prior))


def threshold_at(scores: Scores, target: NDArray[np.bool_], false_match_rate: float) -> float:
    """The lowest score that lets at most this share of the non-targets through."""
    non_targets = np.sort(scores[~target])
    accepted = int(false_match_rate * len(non_targets))
    return float(np.nextafter(non_targets[len(non_targets) - 1 - accepted], np.inf))
