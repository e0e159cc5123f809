"""One session collects one voice, and becomes a template or says why not."""

from __future__ import annotations

import numpy as np
import pytest

from earwitnessd.enroll.collector import (
    MIN_WINDOWS,
    SAME_VOICE_SLACK,
    Collector,
    EnrolmentRefusedError,
    nearest_other,
)
from earwitnessd.score import ProfileMatrix

from ..profiles.making import like, voice
from .making import heard

THRESHOLD = 0.8
ANNA = voice(1)


def collected(*cosines: float) -> Collector:
    """A session with windows of these cosines to anna."""
    collector = Collector(THRESHOLD)
    for seed, cosine in enumerate(cosines):
        collector.add(heard(), like(ANNA, cosine, seed=100 + seed))
    return collector


def test_the_template_is_the_direction_of_all_windows() -> None:
    collector = Collector(THRESHOLD)
    vectors = [like(ANNA, 0.95, seed) for seed in range(10, 15)]
    for vector in vectors:
        collector.add(heard(), vector)
    template = collector.finish()
    expected = np.mean(vectors, axis=0) / np.linalg.norm(np.mean(vectors, axis=0))
    np.testing.assert_allclose(template.vector, expected, atol=1e-6)
    assert float(np.linalg.norm(template.vector)) == pytest.approx(1.0)
    assert template.windows == 5


def test_speech_is_counted_once_although_windows_overlap() -> None:
    collector = collected(0.95, 0.95, 0.95)
    assert collector.speech_s == pytest.approx(2.5 + 2 * 1.25)
    assert collector.finish().speech_s == pytest.approx(5.0)


def test_there_is_enough_when_both_speech_and_windows_are() -> None:
    collector = collected(0.95, 0.95)
    assert collector.speech_s >= 3.0
    enough = [collector.has(3.0)]
    collector.add(heard(), ANNA)
    assert [*enough, collector.has(3.0), collector.has(6.0)] == [False, True, False]


def test_consistency_is_how_the_worst_window_fits_the_others() -> None:
    collector = Collector(0.0)
    vectors = [ANNA, like(ANNA, 0.95, 7), like(ANNA, 0.6, 8)]
    for vector in vectors:
        collector.add(heard(), vector)
    others = vectors[0] + vectors[1]
    worst = float(vectors[2] @ others / np.linalg.norm(others))
    assert collector.finish().consistency == pytest.approx(worst, abs=1e-5)


def test_consistency_is_not_told_before_there_is_something_to_compare() -> None:
    collector = Collector(THRESHOLD)
    progress = [collector.add(heard(), ANNA) for _ in range(4)]
    assert [each.consistency is None for each in progress] == [True, True, False, False]
    assert progress[-1].consistency == pytest.approx(1.0)


def test_the_snr_is_that_of_the_middle_window() -> None:
    collector = Collector(THRESHOLD)
    for snr_db in (5.0, 30.0, None, 20.0):
        collector.add(heard(snr_db=snr_db), ANNA)
    assert collector.finish().snr_db == 20.0


def test_a_session_without_any_snr_has_none() -> None:
    collector = Collector(THRESHOLD)
    for _ in range(3):
        collector.add(heard(snr_db=None), ANNA)
    assert collector.finish().snr_db is None


@pytest.mark.parametrize("windows", range(MIN_WINDOWS))
def test_too_few_windows_make_no_template(windows: int) -> None:
    with pytest.raises(EnrolmentRefusedError, match=f"only {windows} usable windows.*Speak longer"):
        collected(*[0.95] * windows).finish()


def test_two_windows_in_a_row_of_another_voice_end_the_session() -> None:
    collector = collected(0.98, 0.98, 0.98)
    ben = like(ANNA, 0.2)
    collector.add(heard(), ben)
    with pytest.raises(EnrolmentRefusedError, match="a second voice"):
        collector.add(heard(), ben)


def test_a_stray_window_of_another_voice_is_left_out() -> None:
    collector = collected(0.98, 0.98)
    for _ in range(3):
        collector.add(heard(), like(ANNA, 0.2))
        collector.add(heard(), ANNA)
    template = collector.finish()
    assert template.windows == 5
    assert template.speech_s == pytest.approx(2.5 + 4 * 1.25)


def test_the_same_voice_may_vary_more_than_a_verified_one() -> None:
    near = Collector(THRESHOLD)
    for cosine in (1.0, THRESHOLD - SAME_VOICE_SLACK + 0.01):
        near.add(heard(), like(ANNA, cosine))
    far = Collector(THRESHOLD)
    far.add(heard(), ANNA)
    far.add(heard(), like(ANNA, THRESHOLD - SAME_VOICE_SLACK - 0.01))
    assert (near.speech_s, far.speech_s) == (3.75, 2.5)


@pytest.mark.parametrize(
    ("reasons", "hint"),
    [
        (("too_little_speech",), "keep talking"),
        (("gap", "too_little_speech"), "audio was lost: keep talking"),
        (("clipped",), "too loud: move away from the microphone"),
        (("low_snr",), "too noisy: move closer to the microphone or find a quieter place"),
        (("not_finite",), "the device delivers garbage"),
    ],
)
def test_a_bad_window_is_not_used_and_says_what_to_do(reasons: tuple[str, ...], hint: str) -> None:
    collector = Collector(THRESHOLD)
    progress = collector.add(heard(reasons=reasons), ANNA)
    assert progress.hint == hint
    assert (progress.speech_s, progress.level_dbfs, progress.snr_db) == (0.0, -25.0, 20.0)


def test_a_window_that_was_not_embedded_is_not_used() -> None:
    collector = Collector(THRESHOLD)
    assert collector.add(heard(), None).speech_s == 0.0


def test_the_nearest_other_is_never_the_person_themselves() -> None:
    matrix = ProfileMatrix.build([("anna", ANNA), ("ben", like(ANNA, 0.6)), ("carla", like(ANNA, 0.3))])
    near = nearest_other(matrix, "anna", ANNA)
    assert near is not None
    assert near[0] == "ben"
    assert near[1] == pytest.approx(0.6, abs=1e-5)
    assert nearest_other(ProfileMatrix.build([("anna", ANNA)]), "anna", ANNA) is None
