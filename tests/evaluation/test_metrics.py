"""Error rates against cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from earwitnessd.evaluation.metrics import (
    actual_cost,
    det_curve,
    equal_error_rate,
    error_rates,
    minimum_cost,
    misses_at,
    probit,
    rates_at,
    threshold_at,
)
from tests.evaluation.cases import case, drawn


@pytest.mark.parametrize(
    ("targets", "others", "expected"),
    [
        ([0.9, 0.8], [0.1, 0.2], 0.0),
        ([0.1, 0.2], [0.8, 0.9], 1.0),
        ([0.9, 0.8, 0.7, 0.3], [0.6, 0.2, 0.1, 0.0], 0.25),  # one of four crosses over on each side
        ([0.5, 0.5], [0.5, 0.5], 0.5),  # all alike: accepted or rejected together
        # Just above 0.5 nothing of the others is left and 1/2 is missed; just below 0.5, 1/3 and nothing: the
        # line between (false alarms 1/3, misses 0) and (0, 1/2) meets the diagonal at 1/5.
        ([0.5, 0.9], [0.5, 0.1, 0.2], 0.2),
    ],
)
def test_equal_error_rate(targets: list[float], others: list[float], expected: float) -> None:
    assert equal_error_rate(*case(targets, others)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("targets", "others", "prior", "expected"),
    [
        ([0.9, 0.8], [0.1, 0.2], 0.01, 0.0),
        ([0.1, 0.2], [0.8, 0.9], 0.01, 1.0),  # rejecting everyone is the best there is
        ([0.9, 0.3], [0.6, 0.1], 0.01, 0.5),  # above 0.6: half the targets are missed, nobody else gets in
        ([0.9, 0.3], [0.6, 0.1], 0.5, 0.5),
        ([0.9, 0.3], [0.6, 0.1], 0.99, 0.5),  # at 0.3: half the others get in; 0.01 · 0.5 / 0.01
    ],
)
def test_minimum_cost(targets: list[float], others: list[float], prior: float, expected: float) -> None:
    assert minimum_cost(*case(targets, others), prior) == pytest.approx(expected)


def test_a_threshold_lets_no_more_than_its_share_of_others_through() -> None:
    scores, target = case([0.9], [number / 100 for number in range(100)])
    for rate, expected in ((0.01, 1), (0.05, 5), (0.0, 0)):
        threshold = threshold_at(scores, target, rate)
        assert (scores[~target] >= threshold).sum() == expected


def test_the_actual_cost_is_taken_at_the_bayes_threshold() -> None:
    # Prior 0.5: threshold 0. One of four targets is missed, one of four others gets in: 0.25 / 0.5.
    assert actual_cost(*case([3, 2, 1, -1], [-3, -2, -1, 0.5]), 0.5) == pytest.approx(0.5)
    # Prior 0.1: threshold ln 9 = 2.197. Three of four targets are missed, nobody gets in: 0.1 · 0.75 / 0.1.
    assert actual_cost(*case([3, 2, 1, -1], [-3, -2, -1, 0.5]), 0.1) == pytest.approx(0.75)


def test_misses_are_counted_where_few_enough_others_get_in() -> None:
    scores, target = case([0.95, 0.7, 0.5, 0.2], [0.9, 0.6, 0.3, 0.1])
    assert misses_at(scores, target, 0.0) == 0.75  # above 0.9
    assert misses_at(scores, target, 0.25) == 0.5  # above 0.6
    assert misses_at(scores, target, 0.49) == 0.5
    assert misses_at(scores, target, 1.0) == 0.0


def test_a_weight_counts_like_so_many_copies() -> None:
    scores, target = case([0.9, 0.4, 0.3], [0.8, 0.35, 0.1])
    weights = np.array([2.0, 0.0, 3.0, 1.0, 2.0, 0.0])
    copies = np.repeat(np.arange(6), weights.astype(int))
    weighted, copied = error_rates(scores, target, weights), error_rates(scores[copies], target[copies])
    for rate in (0.0, 1 / 3, 0.5, 1.0):
        assert misses_at(scores, target, rate, weights) == misses_at(scores[copies], target[copies], rate)
    assert set(copied[0]) == set(weighted[0])


@pytest.mark.parametrize("seed", range(5))
def test_figures_depend_on_the_order_of_scores_alone(seed: int) -> None:
    scores, target = drawn(seed)
    stretched = np.exp(3 * scores)
    assert equal_error_rate(stretched, target) == pytest.approx(equal_error_rate(scores, target))
    assert minimum_cost(stretched, target, 0.01) == pytest.approx(minimum_cost(scores, target, 0.01))
    shuffled = np.random.default_rng(seed).permutation(len(scores))
    assert misses_at(scores[shuffled], target[shuffled], 0.01) == misses_at(scores, target, 0.01)


@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_costs_less_than_the_minimum(seed: int) -> None:
    llrs, target = drawn(seed)
    for prior in (0.001, 0.01, 0.5, 0.9):
        assert actual_cost(llrs, target, prior) >= minimum_cost(llrs, target, prior) - 1e-12


@pytest.mark.parametrize("seed", range(3))
def test_fewer_false_matches_are_never_had_for_fewer_misses(seed: int) -> None:
    scores, target = drawn(seed)
    misses = [misses_at(scores, target, rate) for rate in (0.5, 0.1, 0.01, 0.001, 0.0)]
    assert misses == sorted(misses)
    miss, false_match = rates_at(scores, target, threshold_at(scores, target, 0.01))
    assert false_match <= 0.01
    assert miss == pytest.approx(misses_at(scores, target, 0.01))


def test_a_det_curve_is_a_line_for_normal_scores_and_no_longer_than_a_picture_needs() -> None:
    random = np.random.default_rng(0)
    count = 40_000
    scores, target = case(random.normal(2, 1, count).tolist(), random.normal(0, 1, count).tolist())
    false_alarm, miss = det_curve(scores, target)
    assert len(miss) < 400
    assert (np.diff(false_alarm) <= 0).all()
    assert (np.diff(miss) >= 0).all()
    inside = (false_alarm > 0.01) & (miss > 0.01)
    # miss = F(t - 2) and false alarm = 1 - F(t), so their quantiles add up to -2
    assert probit(false_alarm[inside]) + probit(miss[inside]) == pytest.approx(-2.0, abs=0.1)
