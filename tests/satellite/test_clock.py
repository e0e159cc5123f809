"""Offset and drift of a distant clock are found within what the link allows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitnessd.satellite.clock import ClockEstimate, Exchange

NS = 1_000_000_000


class Distant:
    """A machine whose clock is off and drifts, over a link with delays each way."""

    def __init__(self, offset_s: float, drift_ppm: float = 0.0) -> None:
        self.offset_s = offset_s
        self._rate = 1.0 + drift_ppm * 1e-6

    def clock_ns(self, ours_s: float) -> int:
        return round(ours_s * self._rate * NS) + round(self.offset_s * NS)  # a float of both would round more

    def answer(self, asked_s: float, there_s: float, back_s: float) -> Exchange:
        heard_s = asked_s + there_s
        answered_s = heard_s + 0.001
        returned_s = answered_s + back_s
        return Exchange(
            round(asked_s * NS), self.clock_ns(heard_s), self.clock_ns(answered_s), round(returned_s * NS)
        )


def test_nothing_is_said_before_an_answer() -> None:
    assert ClockEstimate().estimate(0) is None


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 0.5), st.floats(1e-6, 0.5))
def test_an_offset_is_never_further_off_than_half_a_round_trip(
    offset_s: float, there_s: float, back_s: float
) -> None:
    clock = ClockEstimate()
    clock.add(Distant(offset_s).answer(10.0, there_s, back_s))
    found = clock.estimate(11 * NS)
    assert found is not None
    assert abs(found.offset_s - offset_s) <= found.within_s + 1e-6
    assert found.within_s == pytest.approx((there_s + back_s) / 2, abs=1e-6)


def test_exchanges_that_met_a_queue_count_little() -> None:
    clock, distant, chance = ClockEstimate(), Distant(3.25), np.random.default_rng(0)
    for number in range(100):
        jam_s = float(chance.exponential(0.2)) if number % 2 else 0.0
        clock.add(distant.answer(2.0 * number, 0.002 + jam_s, 0.002))
    found = clock.estimate(200 * NS)
    assert found is not None
    assert found.offset_s == pytest.approx(3.25, abs=0.005)


@pytest.mark.parametrize("drift_ppm", [-80.0, 0.0, 40.0])
def test_drift_shows_after_a_while(drift_ppm: float) -> None:
    clock, distant, chance = ClockEstimate(), Distant(-7.0, drift_ppm), np.random.default_rng(1)
    for number in range(120):
        there_s, back_s = 0.0005 + chance.exponential(0.0005, 2)
        clock.add(distant.answer(2.0 * number, float(there_s), float(back_s)))
        if number == 3:
            early = clock.estimate(7 * NS)
            assert early is not None
            assert early.drift_ppm is None
    found = clock.estimate(240 * NS)
    assert found is not None
    assert found.drift_ppm == pytest.approx(drift_ppm, abs=5.0)
    assert found.offset_s == pytest.approx(-7.0 + 240.0 * drift_ppm * 1e-6, abs=0.001)


def test_a_clock_that_was_set_is_measured_anew() -> None:
    clock, distant = ClockEstimate(), Distant(0.0)
    for number in range(50):
        clock.add(distant.answer(2.0 * number, 0.01, 0.01))
    distant.offset_s = 3600.0
    clock.add(distant.answer(100.0, 0.01, 0.01))
    found = clock.estimate(101 * NS)
    assert found is not None
    assert found.offset_s == pytest.approx(3600.0, abs=0.01)
    assert clock.jumps == 1


def test_an_answer_to_a_question_not_yet_asked_is_no_answer() -> None:
    clock = ClockEstimate()
    clock.add(Exchange(asked_ns=100, heard_ns=0, answered_ns=50, returned_ns=120))
    clock.add(Exchange(asked_ns=100, heard_ns=60, answered_ns=50, returned_ns=120))
    assert clock.estimate(200) is None
