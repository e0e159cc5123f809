"""Error rates of scores against the truth: EER, detection costs, misses at a false-match rate, DET curves."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]
# True: one speaker in both recordings

ROUNDING = 1e-12  # of cumulated weights
PROBITS = np.linspace(-4.0, 4.0, 161)  # where a DET curve is drawn: 0.003 % to 99.997 %


def error_rates(scores: Scores, target: Labels, weights: Scores | None = None) -> tuple[Scores, Scores]:
    """Miss and false-alarm rates at every threshold, from accepting all trials to accepting none.

    Trials of equal score are accepted or rejected together; a trial counts `weights` times.
    """
    order = np.argsort(scores, kind="stable")
    ranked, is_target = scores[order], target[order]
    counts = np.ones(len(order)) if weights is None else weights[order]
    rejected = np.concatenate(([0], np.flatnonzero(np.diff(ranked)) + 1, [len(ranked)]))
    misses = np.concatenate(([0.0], np.cumsum(counts * is_target)))
    rejections = np.concatenate(([0.0], np.cumsum(counts * ~is_target)))
    return misses[rejected] / misses[-1], 1 - rejections[rejected] / rejections[-1]


def equal_error_rate(scores: Scores, target: Labels, weights: Scores | None = None) -> float:
    """Where the miss and the false-alarm rate cross, interpolated between thresholds."""
    miss, false_alarm = error_rates(scores, target, weights)
    after = int(np.argmax(miss >= false_alarm))
    if after == 0:
        return float(miss[0])
    gap_before = false_alarm[after - 1] - miss[after - 1]
    gap_after = miss[after] - false_alarm[after]
    share = gap_before / (gap_before + gap_after)
    return float(miss[after - 1] + share * (miss[after] - miss[after - 1]))


def minimum_cost(scores: Scores, target: Labels, prior: float) -> float:
    """minDCF with unit costs, as a share of the cost of the better blind decision."""
    miss, false_alarm = error_rates(scores, target)
    costs = prior * miss + (1 - prior) * false_alarm
    return float(costs.min() / min(prior, 1 - prior))


def actual_cost(llrs: Scores, target: Labels, prior: float) -> float:
    """actDCF: the cost, on the scale of `minimum_cost`, of accepting what has a posterior above one half."""
    miss, false_match = rates_at(llrs, target, float(np.log1p(-prior) - np.log(prior)))
    return float((prior * miss + (1 - prior) * false_match) / min(prior, 1 - prior))


def rates_at(scores: Scores, target: Labels, threshold: float) -> tuple[float, float]:
    """Miss and false-match rate of accepting what scores at least this."""
    accepted = scores >= threshold
    return 1 - float(accepted[target].mean()), float(accepted[~target].mean())


def misses_at(
    scores: Scores, target: Labels, false_match_rate: float, weights: Scores | None = None
) -> float:
    """FNMR at the lowest threshold that lets at most this share of the non-targets through."""
    miss, false_alarm = error_rates(scores, target, weights)
    return float(miss[np.argmax(false_alarm <= false_match_rate + ROUNDING)])


def threshold_at(scores: Scores, target: Labels, false_match_rate: float) -> float:
    """The lowest score that lets at most this share of the non-targets through."""
    non_targets = np.sort(scores[~target])
    accepted = int(false_match_rate * len(non_targets))
    return float(np.nextafter(non_targets[len(non_targets) - 1 - accepted], np.inf))


def probit(rates: Scores) -> Scores:
    """Standard normal quantiles: a straight DET line means normal scores."""
    return np.array([_quantile(rate) for rate in rates])


def det_curve(scores: Scores, target: Labels) -> tuple[Scores, Scores]:
    """False-alarm and miss rates, as many as a picture can show, evenly spaced on probit axes."""
    miss, false_alarm = error_rates(scores, target)
    grid = np.array([NormalDist().cdf(x) for x in PROBITS])
    by_miss = np.searchsorted(miss, grid)
    by_false_alarm = len(false_alarm) - 1 - np.searchsorted(false_alarm[::-1], grid)
    kept = np.unique(np.clip(np.concatenate((by_miss, by_false_alarm)), 0, len(miss) - 1))
    return false_alarm[kept], miss[kept]


def both_kinds(target: Iterable[bool]) -> bool:
    """Whether there are errors of both kinds to be made."""
    return len(set(map(bool, target))) == 2


def _quantile(rate: float) -> float:
    return NormalDist().inv_cdf(float(rate)) if 0.0 < rate < 1.0 else float(np.copysign(np.inf, rate - 0.5))
