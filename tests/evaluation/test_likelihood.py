"""Cllr and calibration against cases worked by hand, and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

from earwitnessd.evaluation.likelihood import (
    best_llrs,
    calibration_loss,
    cllr,
    isotonic,
    minimum_cllr,
    reliability,
)
from tests.evaluation.cases import case, drawn


def test_saying_nothing_costs_one_bit() -> None:
    assert cllr(*case([0.0, 0.0], [0.0])) == pytest.approx(1.0)


def test_cllr_of_two_trials() -> None:
    # log2(1 + 1/3) for the target at ln 3, log2(1 + 1/4) for the other at -ln 4
    expected = (np.log2(4 / 3) + np.log2(5 / 4)) / 2
    assert cllr(*case([np.log(3)], [-np.log(4)])) == pytest.approx(expected)


def test_extreme_ratios_cost_what_they_should() -> None:
    assert cllr(*case([np.inf], [-np.inf])) == 0.0
    assert cllr(*case([1000.0], [1000.0])) == pytest.approx(1000 / np.log(2) / 2)


def test_the_best_mapping_pools_what_is_in_the_wrong_order() -> None:
    # Ranked: other, target, other, target. The middle two are pooled: one of two, at even odds an LLR of 0.
    scores, target = case([0.4, 0.8], [0.2, 0.6])
    np.testing.assert_allclose(best_llrs(scores, target), [0.0, np.inf, -np.inf, 0.0])
    assert minimum_cllr(scores, target) == pytest.approx(0.5)  # a half of each kind costs one bit


def test_trials_of_equal_score_get_one_ratio() -> None:
    scores, target = case([0.5, 0.5, 0.5], [0.5])
    assert best_llrs(scores, target) == pytest.approx(0.0)
    assert minimum_cllr(scores, target) == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(5))
def test_pooling_agrees_with_scipy(seed: int) -> None:
    random = np.random.default_rng(seed)
    values, weights = random.normal(size=200).cumsum() + np.arange(200) / 50, random.uniform(0.1, 3, 200)
    expected = scipy.optimize.isotonic_regression(values, weights=weights).x
    np.testing.assert_allclose(isotonic(values, weights), expected)


@pytest.mark.parametrize("seed", range(5))
def test_no_monotone_mapping_is_better_than_the_best(seed: int) -> None:
    llrs, target = drawn(seed)
    best = minimum_cllr(llrs, target)
    for scale, shift in ((1.0, 0.0), (0.5, 1.0), (2.0, -3.0)):
        assert cllr(scale * llrs + shift, target) >= best
        assert minimum_cllr(scale * llrs + shift, target) == pytest.approx(best)
    assert cllr(best_llrs(llrs, target), target) == pytest.approx(best)


def test_calibrated_ratios_lose_next_to_nothing_and_shifted_ones_a_lot() -> None:
    llrs, target = drawn(1)
    assert calibration_loss(llrs, target) < 0.05
    assert calibration_loss(llrs + 4.0, target) > 0.5


def test_calibrated_ratios_are_seen_as_they_were_said() -> None:
    random = np.random.default_rng(0)
    llrs, target = case(random.normal(2, 2, 20_000).tolist(), random.normal(-2, 2, 20_000).tolist())
    bins = reliability(llrs, target, bins=10)
    assert sum(each.trials for each in bins) == 40_000
    assert [each.said for each in bins] == sorted(each.said for each in bins)
    for each in bins[1:-1]:
        assert each.seen == pytest.approx(each.said, abs=0.3)
        assert each.low < each.seen < each.high
