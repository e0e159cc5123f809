"""How honest log-likelihood ratios are: Cllr, its minimum, and what was said against what was seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earwitnessd.evaluation.metrics import Labels, Scores

RELIABILITY_BINS = 12
Z_95 = 1.96


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Trials of similar LLR, and the LLR that their labels speak for. All in nats."""

    said: float
    # mean LLR
    seen: float
    # log of the targets' share that fell into the bin over the non-targets' share
    low: float
    high: float
    # 95 % interval of `seen`
    trials: int


def cllr(llrs: Scores, target: Labels) -> float:
    """Cost of natural-log likelihood ratios in bits: 0 is perfect, 1 is as good as saying nothing."""
    of_targets = np.logaddexp(0.0, -llrs[target]).mean()
    of_others = np.logaddexp(0.0, llrs[~target]).mean()
    return float((of_targets + of_others) / (2 * np.log(2.0)))


def minimum_cllr(scores: Scores, target: Labels) -> float:
    """Cllr after the best monotone mapping of these very scores: what calibration could reach at most."""
    return cllr(best_llrs(scores, target), target)


def calibration_loss(llrs: Scores, target: Labels) -> float:
    """How much of Cllr is owed to the mapping and not to the voices, in bits."""
    return cllr(llrs, target) - minimum_cllr(llrs, target)


def best_llrs(scores: Scores, target: Labels) -> Scores:
    """The monotone mapping of scores to LLRs of the lowest Cllr, by pooling adjacent violators."""
    values, where, counts = np.unique(scores, return_inverse=True, return_counts=True)
    targets = np.bincount(where, weights=target, minlength=len(values))
    share = isotonic(targets / counts, counts.astype(np.float64))[where]
    with np.errstate(divide="ignore"):
        log_odds = np.log(share) - np.log1p(-share)
    return np.asarray(log_odds - np.log(target.sum() / (~target).sum()))


def isotonic(values: Scores, weights: Scores) -> Scores:
    """The non-decreasing sequence nearest to the values in weighted least squares."""
    sums: list[float] = []
    masses: list[float] = []
    lengths: list[int] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        total, mass, length = value * weight, weight, 1
        while sums and sums[-1] * mass >= total * masses[-1]:
            total, mass, length = total + sums.pop(), mass + masses.pop(), length + lengths.pop()
        sums.append(total)
        masses.append(mass)
        lengths.append(length)
    levels: NDArray[np.float64] = np.array(sums) / np.array(masses)
    return np.repeat(levels, lengths)


def reliability(llrs: Scores, target: Labels, bins: int = RELIABILITY_BINS) -> list[ReliabilityBin]:
    """Trials in bins of equal size by LLR; a calibrated system says what is then seen."""
    found = []
    targets, others = int(target.sum()), int((~target).sum())
    for chosen in np.array_split(np.argsort(llrs, kind="stable"), min(bins, len(llrs))):
        inside = int(target[chosen].sum())
        # half a trial of each kind, so that a bin without one of them has a finite LLR
        ours, theirs = inside + 0.5, len(chosen) - inside + 0.5
        seen = float(np.log(ours / (targets + 0.5)) - np.log(theirs / (others + 0.5)))
        spread = Z_95 * float(np.sqrt(1 / ours + 1 / theirs))
        found.append(
            ReliabilityBin(float(llrs[chosen].mean()), seen, seen - spread, seen + spread, len(chosen))
        )
    return found
