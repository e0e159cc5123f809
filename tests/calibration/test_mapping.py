"""From a normalised score and a window's quality to nats, and from a target rate to a bound."""

from __future__ import annotations

import math

import numpy as np
import pytest

from earwitnessd.calibration import Points
from earwitnessd.calibration.calibration import LLR_LIMIT

from .making import ENROLLED, POINTS, STRANGERS, calibration, calibrator

FNMR = 0.05


def test_an_ordinary_window_is_mapped_by_intercept_and_slope() -> None:
    assert calibration().llr(2.0, enrolled_s=10.0, speech_s=3.0, snr_db=20.0) == pytest.approx(-1.0 + 1.6)


def test_speech_snr_and_enrolment_shift_it() -> None:
    assert calibration().llr(0.0, 10.0, 3.0 * math.e, 20.0) == pytest.approx(-1.0 + 0.4)
    assert calibration().llr(0.0, 10.0, 3.0, 30.0) == pytest.approx(-1.0 + 0.1)
    assert calibration().llr(0.0, 10.0 * math.e, 3.0, 20.0) == pytest.approx(-1.0 - 0.5)


def test_many_exemplars_at_once_are_mapped_as_one_by_one() -> None:
    scores, enrolled_s = np.array([-2.0, 0.5, 3.0, 90.0], dtype=np.float32), [1.0, 8.0, 20.0, 500.0]
    at_once = calibrator().llrs(scores, enrolled_s, 2.2, 12.0)
    one_by_one = [
        calibration().llr(float(score), each_s, 2.2, 12.0)
        for score, each_s in zip(scores, enrolled_s, strict=True)
    ]
    assert at_once == pytest.approx(one_by_one)


def test_an_unknown_snr_counts_as_an_ordinary_one() -> None:
    assert calibration().llr(1.0, 10.0, 3.0, None) == calibration().llr(1.0, 10.0, 3.0, 20.0)


def test_beyond_what_was_seen_quality_changes_nothing_more() -> None:
    assert calibration().llr(1.0, 1e4, 1e4, 1e4) == calibration().llr(1.0, 1e3, 1e3, 1e3)
    assert calibration().llr(1.0, 0.0, 0.0, -50.0) == calibration().llr(1.0, 1.0, 0.1, -10.0)


def test_nothing_makes_it_surer_than_the_limit() -> None:
    assert calibration().llr(1e6, 10.0, 3.0, None) == LLR_LIMIT
    assert calibration().llr(-1e6, 10.0, 3.0, None) == -LLR_LIMIT


@pytest.mark.parametrize(("rate", "llr"), [(0.1, 1.0), (0.01, 2.0), (math.sqrt(1e-3), 1.5), (0.5, -3.0)])
def test_a_target_false_match_rate_asks_for_what_so_many_strangers_reach(rate: float, llr: float) -> None:
    assert POINTS.accept(rate, FNMR) == pytest.approx(llr)


def test_beyond_the_last_point_it_goes_on_as_the_last_points_do() -> None:
    assert POINTS.accept(0.001, FNMR) == pytest.approx(3.0)
    assert POINTS.accept(0.0001, FNMR) == pytest.approx(4.0)


def test_where_one_point_is_all_each_e_th_of_a_share_costs_a_nat() -> None:
    one = Points(strangers=STRANGERS[1:2], enrolled=ENROLLED[1:2])
    assert one.accept(0.1 / math.e, FNMR) == pytest.approx(2.0)
    assert one.reject(0.01, 0.1 / math.e) == pytest.approx(-1.0)


def test_walds_bound_is_never_exceeded() -> None:
    high = Points(strangers=tuple(STRANGERS[:1]), enrolled=POINTS.enrolled)
    assert high.accept(0.4, FNMR) <= math.log(0.95 / 0.4)
    for rate in (0.3, 0.1, 0.01, 1e-3, 1e-6):
        assert POINTS.accept(rate, FNMR) <= math.log((1 - FNMR) / rate) + 1e-12
        assert POINTS.reject(rate, FNMR) >= math.log(FNMR / (1 - rate)) - 1e-12


def test_a_lower_target_never_asks_for_less() -> None:
    rates = [0.5 * 0.9**step for step in range(120)]
    accepts = [POINTS.accept(rate, FNMR) for rate in rates]
    assert accepts == sorted(accepts)
    rejects = [POINTS.reject(0.01, rate) for rate in rates]
    assert rejects == sorted(rejects, reverse=True)
