"""What was said at an enrolment is kept once, and gives the same windows again."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from earwitnessd.enroll.kept_audio import AudioKeeper, read_kept
from earwitnessd.enroll.taken import TakenWindow

LENGTH = 3000
VECTOR = np.ones(3, np.float32)


def window(start: int) -> TakenWindow:
    return TakenWindow(
        start=start,
        stop=start + LENGTH,
        speech_s=2.0,
        new_speech_s=0.5,
        clipped=0.0,
        snr_db=20.0,
        vector=VECTOR,
    )


@pytest.mark.parametrize("starts", [[0], [0, 1000, 2000], [0, 1000, 9000, 10_000], [500, 3500]])
def test_windows_come_back_as_they_were_heard_and_what_overlaps_is_kept_once(starts: list[int]) -> None:
    session = np.random.default_rng(1).uniform(-0.5, 0.5, 20_000).astype(np.float32)
    keeper = AudioKeeper()
    for start in starts:
        keeper.add(window(start), session[start : start + LENGTH])
    audio = read_kept(keeper.kept())
    samples = audio.samples()
    heard = np.zeros(len(session), bool)
    for kept, start in zip(audio.windows, starts, strict=True):
        heard[start : start + LENGTH] = True
        assert (kept.start, kept.stop) == (start, start + LENGTH)
        found = samples[kept.at : kept.at + LENGTH]
        np.testing.assert_allclose(found, session[start : start + LENGTH], atol=2**-15)
    assert len(samples) == heard.sum()


def test_what_was_gathered_does_not_change_with_the_ring() -> None:
    ring = np.full(LENGTH, 0.25, np.float32)
    keeper = AudioKeeper()
    keeper.add(window(0), ring)
    ring[:] = 0.0
    assert read_kept(keeper.kept()).samples().mean() == pytest.approx(0.25, abs=1e-3)


def test_other_vectors_take_the_place_of_those_at_enrolment() -> None:
    keeper = AudioKeeper()
    keeper.add(window(0), np.zeros(LENGTH, np.float32))
    (taken,) = read_kept(keeper.kept()).taken([2 * VECTOR])
    np.testing.assert_array_equal(taken.vector, 2 * VECTOR)
    assert (taken.speech_s, taken.new_speech_s, taken.snr_db) == (2.0, 0.5, 20.0)


def test_a_session_without_windows_keeps_nothing() -> None:
    assert AudioKeeper().kept() == b""


@pytest.mark.parametrize("content", [b"", b"{}", b"\x80", b"RIFF"])
def test_what_is_no_kept_audio_is_refused(content: bytes) -> None:
    with pytest.raises((ValueError, msgspec.MsgspecError)):
        read_kept(content)
