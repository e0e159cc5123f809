"""People are enrolled and deleted while nobody says anything new: the evidence is about those there are."""

from __future__ import annotations

import pytest

from earwitnessd.decision.sequential import Memory, SequentialTest

from .test_sequential import ANNA, BOUNDS, HOP, LENGTH, heard


@pytest.mark.parametrize("before", [{}, {"ben": 4.0}, {"carl": 4.0}])
def test_a_window_without_new_speech_is_judged_for_everybody_there_is(before: dict[str, float]) -> None:
    test = SequentialTest(BOUNDS, Memory())
    if before:
        test.hear(heard(before, LENGTH), None, stands=False)
    opinion = test.hear(heard(ANNA, LENGTH + HOP, new_speech_s=0.0), None, stands=False)
    assert opinion.speaker in {None, "ben"}
    assert set(test.memory.llrs(BOUNDS)) == set(ANNA)
    assert test.memory.llrs(BOUNDS)["anna"] == 0.0
