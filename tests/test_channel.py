"""Telephones are told from microphones by the spectrum, and nothing is told where it cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from earwitnessd.channel import NOTHING, RATE, Channel, Samples, kind_of, remembered, speech_powers

from .voices import ANNA_HZ, speech, talking, telephone


def heard(samples: Samples) -> list[Channel]:
    """What is told after each window of 3 s."""
    powers, told = NOTHING, []
    for start in range(0, len(samples) - 3 * RATE + 1, 3 * RATE // 2):
        powers = remembered(powers, speech_powers(samples[start : start + 3 * RATE]), 1.5)
        told.append(kind_of(powers))
    return told


def test_speech_of_a_microphone_is_wideband() -> None:
    assert set(heard(speech())) == {"wideband"}


@pytest.mark.parametrize("noise", [0.0, 0.00002])
def test_the_same_speech_over_a_telephone_is_telephone(noise: float) -> None:
    assert set(heard(telephone(speech(), noise))) == {"telephone"}


def test_a_telephone_heard_in_a_room_is_a_microphone() -> None:
    assert "telephone" not in heard(telephone(speech(), 0.003))


def test_a_tone_in_a_room_is_no_telephone() -> None:
    assert set(heard(talking(ANNA_HZ, 9.0))) == {"wideband"}


def test_of_silence_nothing_is_told() -> None:
    assert kind_of(NOTHING) == ""
    assert kind_of(speech_powers(np.zeros(48_000, dtype=np.float32))) == ""
    assert kind_of(speech_powers(np.zeros(100, dtype=np.float32))) == ""


def test_a_change_of_channel_is_noticed_after_a_while() -> None:
    told = heard(np.concatenate([telephone(speech()), speech()]))
    assert (told[0], told[-1]) == ("telephone", "wideband")
