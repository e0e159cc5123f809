"""Spans of speech and their transitions, to the sample."""

from __future__ import annotations

import numpy as np
import pytest

from earwitnessd.settings.speech_gate import SpeechGateSettings
from earwitnessd.speech.activity import SpeechActivity, SpeechStarted, SpeechStopped, Transition

CHUNK = 512
HANGOVER_CHUNKS = 13  # the first whole number of chunks that lasts 0.4 s


def heard(text: str) -> np.ndarray:
    """'#' is surely speech, '+' lies between the two thresholds, '.' is surely none."""
    return np.array([{"#": 0.9, "+": 0.4, ".": 0.1}[letter] for letter in text], dtype=np.float32)


def active(**settings: float) -> SpeechActivity:
    return SpeechActivity(SpeechGateSettings(**settings), CHUNK)  # type: ignore[arg-type]  # floats by name


def pushed(activity: SpeechActivity, text: str, start: int = 0) -> list[Transition]:
    return activity.push(start, heard(text))


def test_speech_starts_where_its_first_chunk_began_once_it_has_lasted() -> None:
    activity = active()
    assert pushed(activity, "..##") == []
    assert pushed(activity, "#", 4 * CHUNK) == [SpeechStarted(2 * CHUNK)]
    assert activity.speaking


def test_speech_stops_at_its_last_chunk_once_the_pause_has_lasted() -> None:
    activity = active()
    pushed(activity, "####")
    assert pushed(activity, "." * (HANGOVER_CHUNKS - 1), 4 * CHUNK) == []
    assert activity.speaking
    assert pushed(activity, ".", (4 + HANGOVER_CHUNKS - 1) * CHUNK) == [SpeechStopped(4 * CHUNK)]
    assert not activity.speaking


def test_a_short_pause_does_not_end_speech_and_does_not_count_as_speech() -> None:
    activity = active()
    assert pushed(activity, "####..####") == [SpeechStarted(0)]
    assert activity.speech_spans(0, 10 * CHUNK) == [(0, 4 * CHUNK), (6 * CHUNK, 10 * CHUNK)]


def test_a_click_shorter_than_the_shortest_run_is_nothing() -> None:
    activity = active()
    assert pushed(activity, "..##..#..") == []
    assert activity.speech_seconds(0, 9 * CHUNK) == 0.0


def test_a_click_in_a_pause_does_not_prolong_speech() -> None:
    activity = active()
    transitions = pushed(activity, "####" + "....." + "##" + "." * HANGOVER_CHUNKS)
    assert transitions == [SpeechStarted(0), SpeechStopped(4 * CHUNK)]


def test_between_the_thresholds_speech_goes_on_but_does_not_begin() -> None:
    activity = active()
    pushed(activity, "+++++#+++.++++")
    assert activity.speech_spans(0, 14 * CHUNK) == [(5 * CHUNK, 9 * CHUNK)]


def test_thresholds_run_and_hangover_are_settings() -> None:
    activity = active(threshold=0.3, stop_threshold=0.3, min_run_s=0.0, hangover_s=0.0)
    assert pushed(activity, ".+.#.") == [
        SpeechStarted(CHUNK),
        SpeechStopped(2 * CHUNK),
        SpeechStarted(3 * CHUNK),
        SpeechStopped(4 * CHUNK),
    ]


def test_net_speech_is_counted_to_the_sample_at_a_windows_edges() -> None:
    activity = active()
    pushed(activity, "..####....####..")
    assert activity.speech_seconds(3 * CHUNK - 100, 11 * CHUNK + 7) == (3 * CHUNK + 100 + CHUNK + 7) / 16_000
    assert activity.speech_seconds(6 * CHUNK, 10 * CHUNK) == 0.0
    assert activity.speech_seconds(10**9, 10**9 + 1) == 0.0


def test_how_the_audio_is_cut_into_pushes_changes_nothing() -> None:
    text = "..###.+##....#..####" + "." * 20 + "###+++...####"
    whole, pieces = active(), active()
    expected = pushed(whole, text)
    got = [
        transition
        for number, letter in enumerate(text)
        for transition in pushed(pieces, letter, number * CHUNK)
    ]
    assert got == expected
    assert pieces.speech_spans(0, 10**6) == whole.speech_spans(0, 10**6)


def test_a_gap_ends_speech_where_the_audio_broke_off() -> None:
    activity = active()
    pushed(activity, "####")
    after = 4 * CHUNK + 12_345
    assert pushed(activity, "..", after) == [SpeechStopped(4 * CHUNK, "gap")]
    assert not activity.speaking
    assert activity.decided_until == after + 2 * CHUNK


def test_runs_on_two_sides_of_a_gap_are_not_one_run() -> None:
    activity = active()
    pushed(activity, "##")
    assert pushed(activity, "##", 2 * CHUNK + 1) == []
    assert pushed(activity, "#", 4 * CHUNK + 1) == [SpeechStarted(2 * CHUNK + 1)]
    assert activity.speech_seconds(0, 2 * CHUNK + 1) == 0.0


def test_speech_after_a_gap_is_counted_from_the_gaps_end() -> None:
    activity = active()
    pushed(activity, "####")
    assert pushed(activity, "###", 100_000) == [SpeechStopped(4 * CHUNK, "gap"), SpeechStarted(100_000)]
    assert activity.speech_spans(0, 200_000) == [(0, 4 * CHUNK), (100_000, 100_000 + 3 * CHUNK)]


def test_time_never_runs_backwards() -> None:
    activity = active()
    pushed(activity, "####")
    with pytest.raises(ValueError, match="everything before 2048 is decided"):
        pushed(activity, "#", CHUNK)


def test_a_stream_may_begin_anywhere_without_a_gap() -> None:
    activity = active()
    assert activity.decided_until is None
    assert pushed(activity, "###", 7_777) == [SpeechStarted(7_777)]


def test_only_the_last_seconds_are_remembered() -> None:
    activity = SpeechActivity(SpeechGateSettings(), CHUNK, keep_s=1.0)
    for number in range(1000):
        pushed(activity, "####....", number * 8 * CHUNK)
    end = 8000 * CHUNK
    assert activity.speech_seconds(0, end - 2 * 16_000) == 0.0
    assert activity.speech_seconds(end - 16_000, end) == pytest.approx(0.5, abs=0.1)


def test_an_empty_push_changes_nothing() -> None:
    activity = active()
    assert pushed(activity, "") == []
    pushed(activity, "####")
    assert pushed(activity, "", 4 * CHUNK) == []
    assert activity.speaking
