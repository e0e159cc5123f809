"""A stretch of another voice is found where it is; one voice is left alone."""

from __future__ import annotations

import time

import pytest

from earwitnessd.enroll.likeness import Likeness
from earwitnessd.enroll.second_voice import MOST_BLOCKS, find_second_voice
from earwitnessd.score import Vector

from ..calibration.making import calibrator
from ..profiles.making import like, voice
from .making import taken

ANNA, BEN = voice(1), like(voice(1), -0.5, 3)
BY_COSINE, BY_EVIDENCE = Likeness(0.8), Likeness(0.8, calibrator())
BOTH = pytest.mark.parametrize("likeness", [BY_COSINE, BY_EVIDENCE], ids=["cosine", "evidence"])


def said(*turns: tuple[Vector, int]) -> list[Vector]:
    """So many windows of each voice, in turn."""
    spoken = [person for person, windows in turns for _ in range(windows)]
    return [like(person, 0.95, seed=500 + number) for number, person in enumerate(spoken)]


@BOTH
@pytest.mark.parametrize(
    ("turns", "start_s", "stop_s"),
    [
        (((ANNA, 8), (BEN, 4)), 12.75, 19.5),
        (((BEN, 4), (ANNA, 8)), 0.0, 6.75),
        (((ANNA, 5), (BEN, 4), (ANNA, 5)), 8.25, 14.25),
    ],
)
def test_it_is_found_where_it_is(
    likeness: Likeness, turns: tuple[tuple[Vector, int], ...], start_s: float, stop_s: float
) -> None:
    found = find_second_voice(taken(said(*turns)), likeness)
    assert found is not None
    assert found.sure
    assert (found.start_s, found.stop_s) == (start_s, stop_s)


@BOTH
@pytest.mark.parametrize("windows", [0, 1, 2, 3, 12, 90])
def test_one_voice_is_left_alone(likeness: Likeness, windows: int) -> None:
    assert find_second_voice(taken(said((ANNA, windows))), likeness) is None


@BOTH
def test_a_lone_odd_window_is_no_voice(likeness: Likeness) -> None:
    odd = like(ANNA, 0.3, 11)
    assert find_second_voice(taken(said((ANNA, 8), (odd, 1), (ANNA, 8))), likeness) is None


def test_more_overlap_changes_little() -> None:
    windows = taken(said((ANNA, 24), (BEN, 12)))
    hop = 8_000
    close = [
        type(each)(
            start=number * hop,
            stop=number * hop + 48_000,
            speech_s=2.5,
            new_speech_s=0.4,
            clipped=0.0,
            snr_db=20.0,
            vector=each.vector,
        )
        for number, each in enumerate(windows)
    ]
    found = find_second_voice(close, BY_EVIDENCE)
    assert found is not None
    assert found.start_s == pytest.approx(12.75, abs=0.6)


@BOTH
def test_a_long_recording_is_searched_in_coarser_steps_and_in_time(likeness: Likeness) -> None:
    recording = taken(said((ANNA, 5 * MOST_BLOCKS), (BEN, 2 * MOST_BLOCKS)))
    began_s = time.perf_counter()
    found = find_second_voice(recording, likeness)
    assert time.perf_counter() - began_s < 2.0
    assert found is not None
    assert found.start_s == pytest.approx(5 * MOST_BLOCKS * 1.5, abs=12.0)
