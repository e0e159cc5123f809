"""Intervals of counts, against scipy's chi-squared distribution."""

from __future__ import annotations

import pytest
import scipy.stats

from earwitnessd.evaluation.counting import poisson_interval


@pytest.mark.parametrize("count", [1, 2, 7, 40, 300])
def test_counts_agree_with_the_chi_squared_distribution(count: int) -> None:
    low, high = poisson_interval(count)
    assert low == pytest.approx(scipy.stats.chi2.ppf(0.025, 2 * count) / 2)
    assert high == pytest.approx(scipy.stats.chi2.ppf(0.975, 2 * count + 2) / 2)


def test_none_counted_does_not_mean_that_none_are_to_come() -> None:
    low, high = poisson_interval(0)
    assert low == 0.0
    assert high == pytest.approx(3.69, abs=0.01)
