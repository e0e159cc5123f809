"""What ships beside the built-in model is its own calibration, and an honest one."""

from __future__ import annotations

import pytest

from earwitnessd.assemble import rules_for
from earwitnessd.calibration import Calibrator, read_calibrator
from earwitnessd.calibration.files import CALIBRATION, COHORT
from earwitnessd.models import open_model
from earwitnessd.models.places import BUILTIN_DIRECTORY
from earwitnessd.settings.root import Decision

MOST_BYTES = 1 << 20


@pytest.fixture(scope="module")
def builtin() -> Calibrator:
    found = read_calibrator(BUILTIN_DIRECTORY, open_model("builtin").model_id)
    if found is None:
        pytest.skip("the built-in model has no calibration yet: decided by cosine")
    return found


def test_it_was_fitted_to_these_weights_and_is_small(builtin: Calibrator) -> None:
    assert len(builtin.cohort.vectors) >= 200
    assert sum((BUILTIN_DIRECTORY / name).stat().st_size for name in (CALIBRATION, COHORT)) < MOST_BYTES


def test_on_speakers_that_it_was_not_fitted_on_it_says_what_is_so(builtin: Calibrator) -> None:
    figures = builtin.calibration.figures
    assert figures.speakers >= 100
    assert figures.cllr <= 1.2 * figures.min_cllr


def test_the_default_rates_give_bounds_on_both_sides_of_nothing(builtin: Calibrator) -> None:
    bounds = rules_for(Decision(), None, "builtin", builtin).bounds
    assert bounds is not None
    assert bounds.reject < 0.0 < bounds.accept
