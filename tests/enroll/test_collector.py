"""One session collects one voice, and becomes a template or says why not and what to do."""

from __future__ import annotations

import numpy as np
import pytest

from earwitnessd.enroll.collector import STRAY_SLACK, Collector, Template
from earwitnessd.enroll.errors import EnrolmentRefusedError
from earwitnessd.enroll.likeness import Likeness
from earwitnessd.score import Vector
from earwitnessd.settings.enrolment import Enrolment

from ..calibration.making import calibrator
from ..profiles.making import like, voice
from .making import heard, session

THRESHOLD = 0.8
ANNA, BEN = voice(1), like(voice(1), 0.1)
SHORT = Enrolment(min_speech_s=2.0)
LONG = Enrolment(min_speech_s=10.0)


def annas(count: int, cosine: float = 0.97) -> list[Vector]:
    return [like(ANNA, cosine, seed=100 + seed) for seed in range(count)]


def finished(vectors: list[Vector], settings: Enrolment = SHORT) -> Template:
    return session(vectors, THRESHOLD, settings).finish()


def refusal(collector: Collector) -> str:
    with pytest.raises(EnrolmentRefusedError) as refused:
        collector.finish()
    return str(refused.value)


def test_the_template_is_the_direction_of_all_windows() -> None:
    vectors = annas(5)
    template = finished(vectors)
    expected = np.mean(vectors, axis=0) / np.linalg.norm(np.mean(vectors, axis=0))
    np.testing.assert_allclose(template.vector, expected, atol=1e-6)
    assert template.windows == 5
    assert template.warnings == ()


def test_speech_is_counted_once_although_windows_overlap() -> None:
    collector = session(annas(3), THRESHOLD, SHORT)
    assert collector.speech_s == pytest.approx(2.5 + 2 * 1.25)
    assert collector.finish().speech_s == pytest.approx(5.0)


def test_there_is_enough_when_both_speech_and_windows_are() -> None:
    enough = [session(annas(count), THRESHOLD, SHORT).enough for count in (2, 3)]
    assert enough == [False, True]
    assert not session(annas(6), THRESHOLD, LONG).enough
    assert session(annas(7), THRESHOLD, LONG).enough


def test_whoever_enrols_may_ask_for_more_speech_than_the_settings_but_not_for_less() -> None:
    likeness = Likeness(THRESHOLD)
    assert Collector(likeness, LONG, 20.0).needed_s == 20.0
    assert Collector(likeness, LONG, 5.0).needed_s == 10.0


def test_too_little_speech_says_how_much_and_how_much_more() -> None:
    collector = session(annas(3), THRESHOLD, LONG)
    assert refusal(collector) == ("only 5.0 s of net speech, at least 10 s are needed: speak for another 5 s")


def test_too_few_windows_are_too_few_however_much_was_said() -> None:
    said = refusal(session(annas(2), THRESHOLD, SHORT))
    assert said.startswith("only 2 usable windows, at least 3 are needed")


def test_windows_that_could_not_be_used_are_counted_with_what_to_do() -> None:
    collector = session(annas(3), THRESHOLD, LONG)
    for reasons in (("clipped",), ("clipped", "low_snr"), ("low_snr",), ("too_little_speech",)):
        collector.add(heard(start=200_000, reasons=reasons), None)
    assert refusal(collector).endswith(
        "Of 7 windows some could not be used (2 too loud, 1 too noisy): "
        "too loud: move away from the microphone"
    )


def test_consistency_leaves_windows_out_that_share_audio() -> None:
    vectors = [ANNA, like(ANNA, 0.95, 7), like(ANNA, 0.9, 8)]
    template = finished(vectors)
    assert template.consistency == pytest.approx(float(vectors[0] @ vectors[2]), abs=1e-5)
    assert template.self_llr is None


def test_with_a_calibration_consistency_is_evidence() -> None:
    vectors = [like(ANNA, 0.95, seed) for seed in range(200, 208)]
    template = session(vectors, THRESHOLD, SHORT, calibrator()).finish()
    rough = [like(ANNA, 0.6, seed) for seed in range(200, 208)]
    settings = Enrolment(min_speech_s=2.0, second_voice="ignore")
    worse = session(rough, THRESHOLD, settings, calibrator()).finish()
    assert template.self_llr is not None
    assert worse.self_llr is not None
    assert template.self_llr > worse.self_llr
    assert any("uneven" in warning for warning in worse.warnings) == (worse.self_llr < 0.5)


def test_the_snr_is_that_of_the_middle_window_and_a_noisy_session_warns() -> None:
    collector = session(annas(3), THRESHOLD, SHORT)
    for number, snr_db in enumerate((5.0, 4.0, None, 6.0, 7.0, 5.0)):
        collector.add(heard(start=(3 + number) * 24_000, snr_db=snr_db), ANNA)
    template = collector.finish()
    assert template.snr_db == 6.5
    (warning,) = template.warnings
    assert warning.startswith("noisy: speech is only 6 dB above the noise, 10 dB are good: move closer")


def test_a_clipped_session_warns() -> None:
    collector = session(annas(3), THRESHOLD, SHORT)
    for number in range(3):
        collector.add(heard(start=(3 + number) * 24_000, clipped=0.008), ANNA)
    template = collector.finish()
    assert template.clipped == pytest.approx(0.004)
    (warning,) = template.warnings
    assert warning.startswith("clipped: 0.4% of the samples are at full scale: move away")


def test_a_second_voice_is_refused_with_where_it_is() -> None:
    collector = session([*annas(6), BEN, BEN, BEN], THRESHOLD, SHORT)
    said = refusal(collector)
    assert said.startswith("a second voice speaks between 9.8 s and 15.0 s (cosine ")
    assert "enrol one person alone" in said


def test_a_second_voice_only_warns_or_is_ignored_where_the_settings_say_so() -> None:
    vectors = [*annas(6), BEN, BEN, BEN]
    (warned, *_) = finished(vectors, Enrolment(min_speech_s=2.0, second_voice="warn")).warnings
    assert warned.startswith("a second voice speaks between 9.8 s and 15.0 s")
    assert finished(vectors, Enrolment(min_speech_s=2.0, second_voice="ignore")).warnings == ()


def test_a_stray_window_is_left_out_of_the_template() -> None:
    template = finished([*annas(4), BEN, *annas(4)])
    assert template.windows == 8
    assert float(template.vector @ ANNA) > 0.99


def test_the_same_voice_may_vary_more_than_a_verified_one() -> None:
    near = finished([*annas(6, 1.0), like(ANNA, THRESHOLD - STRAY_SLACK + 0.03)])
    far = finished([*annas(6, 1.0), like(ANNA, THRESHOLD - STRAY_SLACK - 0.03)])
    assert (near.windows, far.windows) == (7, 6)


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
    collector = Collector(Likeness(THRESHOLD), SHORT)
    bad = heard(reasons=reasons)
    collector.add(bad, ANNA)
    progress = collector.progress(bad)
    assert progress.hint == hint
    assert (progress.speech_s, progress.level_dbfs, progress.snr_db) == (0.0, -25.0, 20.0)
    assert (progress.windows, progress.unusable) == (0, 1)


def test_progress_tells_the_figures_that_the_end_is_judged_by() -> None:
    collector = session([*annas(6), BEN, BEN], THRESHOLD, SHORT)
    last = heard(start=8 * 24_000)
    collector.add(last, BEN)
    progress = collector.progress(last)
    assert (progress.windows, progress.session_snr_db, progress.clipped) == (9, 20.0, 0.0)
    assert progress.consistency is not None
    assert progress.consistency < 0.8
    assert progress.second_voice is not None
    assert progress.hint.startswith("another voice was heard between 9.8 s and 15.0 s")
