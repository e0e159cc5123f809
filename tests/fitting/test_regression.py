"""Logistic regression finds the mapping that made the scores, whatever share of the trials are targets."""

from __future__ import annotations

import math

import numpy as np
import pytest

from earwitnessd.fitting.regression import Bools, Floats, fit_logistic

RIDGE = np.array([1e-6])


def gaussian(count: int, targets: float, seed: int = 1) -> tuple[Floats, Bools]:
    """Scores of N(+1, 1) and N(-1, 1): the true LLR is twice the score."""
    random = np.random.default_rng(seed)
    target = random.random(count) < targets
    scores = random.standard_normal(count) + np.where(target, 1.0, -1.0)
    return scores[:, np.newaxis], target


@pytest.mark.parametrize("targets", [0.5, 0.05])
@pytest.mark.parametrize("prior", [0.5, 0.1])
def test_it_finds_the_true_log_likelihood_ratio(targets: float, prior: float) -> None:
    scores, target = gaussian(60_000, targets)
    intercept, (slope,) = fit_logistic(scores, target, weights=np.ones(len(target)), prior=prior, ridge=RIDGE)
    assert slope == pytest.approx(2.0, abs=0.1)
    assert intercept == pytest.approx(0.0, abs=0.1)


def test_a_weight_of_two_is_a_trial_given_twice() -> None:
    scores, target = gaussian(500, 0.4)
    weights = np.random.default_rng(2).integers(1, 4, len(target))
    weighted = fit_logistic(scores, target, weights=weights.astype(float), prior=0.3, ridge=RIDGE)
    repeated = fit_logistic(
        np.repeat(scores, weights, axis=0),
        np.repeat(target, weights),
        weights=np.ones(int(weights.sum())),
        prior=0.3,
        ridge=RIDGE,
    )
    assert weighted[0] == pytest.approx(repeated[0], abs=1e-6)
    assert weighted[1] == pytest.approx(repeated[1], abs=1e-6)


def test_scores_that_separate_perfectly_give_finite_numbers() -> None:
    scores = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    target = np.array([False, False, True, True])
    intercept, (slope,) = fit_logistic(scores, target, weights=np.ones(4), prior=0.5, ridge=np.array([1e-3]))
    assert math.isfinite(intercept)
    assert 1.0 < slope < 100.0


def test_a_score_that_says_nothing_gets_no_slope() -> None:
    random = np.random.default_rng(4)
    scores, target = random.standard_normal((20_000, 1)), random.random(20_000) < 0.5
    _, (slope,) = fit_logistic(scores, target, weights=np.ones(20_000), prior=0.5, ridge=RIDGE)
    assert abs(slope) < 0.05
