"""A slope is told with how sure it is; flat is said only of what surely is."""

from __future__ import annotations

import numpy as np
import pytest

from earwitnessd.bench.trend import BLOCKS, Series, trend

AT_S = np.arange(0.0, 3600.0, 5.0)


def walk(per_hour: float, noise_mb: float, seed: int) -> Series:
    """Memory that grows evenly while something else takes and gives back a little, slowly."""
    random = np.random.default_rng(seed)
    wobble = np.convolve(random.standard_normal(len(AT_S) + 11), np.ones(12) / np.sqrt(12), "valid")
    return 300.0 + AT_S / 3600.0 * per_hour + noise_mb * wobble


def jagged(per_hour: float, seed: int) -> Series:
    """Memory that grows evenly; for moments, it is given back or taken by large pieces."""
    random = np.random.default_rng(seed)
    moment = random.uniform(size=len(AT_S)) < 0.2
    return walk(per_hour, 0.1, seed) + moment * random.uniform(-8.0, 5.0, len(AT_S))


def test_a_straight_line_has_its_slope_and_no_doubt() -> None:
    line = trend(AT_S, walk(7.0, 0.0, 0))
    assert line.mb_per_h == pytest.approx(7.0)
    assert (line.low, line.high) == pytest.approx((7.0, 7.0))
    assert line.most_mb == pytest.approx(307.0, abs=0.1)
    assert 300.0 <= line.first_mb < line.last_mb < 307.0


@pytest.mark.parametrize(("per_hour", "verdict"), [(0.0, "flat"), (6.0, "grows")])
@pytest.mark.parametrize("seed", range(3))
def test_moments_hide_nothing(per_hour: float, verdict: str, seed: int) -> None:
    line = trend(AT_S, jagged(per_hour, seed))
    assert line.verdict == verdict
    assert line.mb_per_h == pytest.approx(per_hour, abs=0.3)
    assert line.most_mb > line.last_mb + 3.0


@pytest.mark.parametrize(("per_hour", "verdict"), [(0.0, "flat"), (-3.0, "flat"), (6.0, "grows")])
@pytest.mark.parametrize("seed", range(5))
def test_what_grows_and_what_does_not_is_told_apart(per_hour: float, verdict: str, seed: int) -> None:
    line = trend(AT_S, walk(per_hour, 0.3, seed))
    assert line.low < line.mb_per_h < line.high
    assert line.verdict == verdict


def test_neither_is_said_where_the_noise_hides_it() -> None:
    verdicts = [trend(AT_S, walk(0.0, 10.0, seed)).verdict for seed in range(40)]
    assert verdicts.count("undecided") > 20
    assert verdicts.count("grows") < 4


def test_the_interval_holds_the_truth_nearly_always() -> None:
    lines = [trend(AT_S, walk(2.0, 0.5, seed)) for seed in range(200)]
    assert sum(line.low <= 2.0 <= line.high for line in lines) >= 180


def test_too_few_samples_make_no_trend() -> None:
    with pytest.raises(ValueError, match="needs at least"):
        trend(AT_S[: BLOCKS - 1], AT_S[: BLOCKS - 1])
