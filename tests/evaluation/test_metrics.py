"""Error rates against cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from earwitnessd.evaluation.metrics import equal_error_rate, minimum_cost, threshold_at


def case(targets: list[float], others: list[float]) -> tuple[np.ndarray, np.ndarray]:
    scores = np.array([*targets, *others], dtype=np.float64)
    return scores, np.array([True] * len(targets) + [False] * len(others))


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
