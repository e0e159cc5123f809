"""Intervals: the same each time, around the figure, wider where trials hang together."""

from __future__ import annotations

from functools import partial

import numpy as np

from earwitnessd.evaluation.bootstrap import Speakers, interval
from earwitnessd.evaluation.metrics import equal_error_rate, misses_at
from tests.evaluation.cases import case, drawn


def test_an_interval_holds_the_figure_and_is_the_same_each_time() -> None:
    scores, target = drawn(3)
    statistic = partial(equal_error_rate, scores, target)
    low, high = interval(statistic, target, None)
    assert low < statistic() < high
    assert (low, high) == interval(statistic, target, None)
    assert high - low < 0.1


def test_scores_that_never_err_have_no_spread() -> None:
    scores, target = case([1.0] * 20, [0.0] * 20)
    assert interval(partial(misses_at, scores, target, 0.01), target, None) == (0.0, 0.0)


def test_trials_of_few_speakers_tell_less_than_as_many_of_many() -> None:
    """Ten speakers, each of whom is always or never recognised, in fifty trials."""
    count = 500
    who = np.arange(count) % 10
    scores, target = case((who % 2).tolist(), [0.5] * count)
    speakers = Speakers(np.concatenate((who, who)), np.concatenate((who, (who + 1) % 10)))
    statistic = partial(misses_at, scores, target, 0.0)
    low, high = interval(statistic, target, None)
    low_by_speaker, high_by_speaker = interval(statistic, target, speakers)
    assert high_by_speaker - low_by_speaker > 3 * (high - low)
