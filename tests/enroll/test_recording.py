"""A recording of any kind is heard as a stream is, or refused with what was found."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from earwitnessd.capture.messages import RATE
from earwitnessd.enroll.errors import RecordingError
from earwitnessd.enroll.recording import MAX_S, decode, windows_of
from earwitnessd.hearing import HeardWindow
from earwitnessd.settings.root import Settings, Windows
from earwitnessd.settings.speech_gate import SpeechGateSettings

from ..voices import ANNA_HZ, BANDS, ENERGY, ToneEmbedder, room, sound_file, talking

HALF = round(1.5 * RATE)


def windows(recording: bytes, settings: Settings = ENERGY) -> list[HeardWindow]:
    return list(windows_of(decode(recording).samples, settings))


def complaint(recording: bytes) -> str:
    with pytest.raises(RecordingError) as refused:
        decode(recording)
    return str(refused.value)


def band(heard: HeardWindow) -> int:
    """The band of pitches that is loudest in a window."""
    return int(ToneEmbedder().embed(heard.window.samples[np.newaxis]).argmax())


def test_windows_of_a_recording_overlap_by_half_whatever_the_hop() -> None:
    said = talking(ANNA_HZ, 9.0)
    for hop_s in (0.25, 3.0):
        settings = msgspec.structs.replace(ENERGY, windows=Windows(hop_s=hop_s))
        heard = windows(sound_file(said, subtype="FLOAT"), settings)
        assert [each.window.start for each in heard] == [0, HALF, 2 * HALF, 3 * HALF, 4 * HALF]
        np.testing.assert_allclose(heard[2].window.samples, said[2 * HALF : 4 * HALF], atol=1e-6)
        assert all(each.embeddable for each in heard)


@pytest.mark.parametrize("length_s", [0.5, 0.7, 1.0])
def test_short_windows_cover_the_whole_recording_too(length_s: float) -> None:
    short = msgspec.structs.replace(ENERGY, windows=Windows(length_s=length_s, hop_s=0.25))
    heard = windows(sound_file(talking(ANNA_HZ, 40.0)), short)
    steps = np.diff([each.window.start for each in heard])
    assert set(steps) == {round(length_s / 2 * RATE)}
    assert heard[-1].window.stop > (40.0 - length_s) * RATE


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG"])
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 1), (44_100, 2)])
def test_any_format_rate_and_number_of_channels_is_heard(kind: str, rate: int, channels: int) -> None:
    time_s = np.arange(round(6.5 * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * ANNA_HZ * time_s) * ((time_s % 0.5) < 0.35)
    noise = np.random.default_rng(3).standard_normal((len(tone), channels)) * 0.0005
    said = (tone[:, np.newaxis] + noise).astype(np.float32)
    recording = sound_file(said, rate, kind)
    assert (decode(recording).kind, decode(recording).native_rate) == (kind, rate)
    heard = windows(recording)
    assert [each.window.start for each in heard] == [0, HALF, 2 * HALF]
    for each in heard:
        assert band(each) == ANNA_HZ // 100
        assert each.speech_s == pytest.approx(6 * 0.35, abs=0.45)
        assert each.reasons == ()


def test_channels_are_mixed() -> None:
    left = talking(ANNA_HZ, 6.0)
    both = np.stack([left, np.zeros_like(left)], axis=1)
    (heard, *_) = windows(sound_file(both, subtype="FLOAT"))
    np.testing.assert_allclose(heard.window.samples, left[: 2 * HALF] / 2, atol=1e-6)


@pytest.mark.parametrize("bytes_", [b"", b"hello, I am anna\n" * 100, b"RIFF\x10\x00\x00\x00WAVEjunk" * 3])
def test_what_is_no_recording_is_refused_with_its_beginning_and_what_to_send(bytes_: bytes) -> None:
    said = complaint(bytes_)
    assert said.startswith("not a sound file that can be read (")
    assert bytes_[:8].hex(" ") in said
    assert said.endswith("send wav, flac, ogg or mp3")


def test_a_recording_cut_short_is_refused_or_heard_as_far_as_it_goes() -> None:
    whole = sound_file(talking(ANNA_HZ, 12.0), kind="WAV")
    heard = windows(whole[: len(whole) // 2])
    assert heard[-1].window.stop <= 6 * RATE
    for kind in ("FLAC", "OGG"):
        whole = sound_file(talking(ANNA_HZ, 12.0), kind=kind)
        try:
            heard = windows(whole[: len(whole) // 2])
        except RecordingError:
            continue
        assert all(each.window.stop <= 12 * RATE for each in heard)


@pytest.mark.parametrize("seconds", [0.0, 5.0])
def test_digital_silence_is_refused(seconds: float) -> None:
    said = complaint(sound_file(np.zeros(round(seconds * RATE), dtype=np.float32)))
    assert said == "the recording is silent from beginning to end: nothing to enrol from"


def test_a_recording_that_is_too_long_is_refused_before_it_is_read() -> None:
    rate = 1000
    said = complaint(sound_file(np.ones(round((MAX_S + 61.0) * rate), dtype=np.float32), rate, "FLAC"))
    assert said == "the recording lasts 11 minutes: send at most 10"


def test_a_quiet_room_gives_windows_that_cannot_be_used() -> None:
    heard = windows(sound_file(room(6.0)))
    assert len(heard) == 3
    assert not any(each.embeddable for each in heard)


def test_a_recording_shorter_than_a_window_gives_none() -> None:
    assert windows(sound_file(talking(ANNA_HZ, 2.9))) == []


def test_samples_that_are_no_numbers_count_as_silence() -> None:
    said = talking(ANNA_HZ, 6.0)
    said[1000:1010] = np.nan
    (heard, *_) = windows(sound_file(said, subtype="FLOAT"))
    assert not heard.window.samples[1000:1010].any()
    assert heard.quality.finite


def test_the_speech_gate_of_the_settings_is_used() -> None:
    strict = msgspec.structs.replace(ENERGY, speech_gate=SpeechGateSettings(type="energy", min_speech_s=2.9))
    assert {each.reasons for each in windows(sound_file(talking(ANNA_HZ, 6.0)), strict)} == {
        ("too_little_speech",)
    }


def test_all_bands_are_told_apart_by_the_tone_embedder() -> None:
    assert {
        int(ToneEmbedder().embed(talking(100 * b + 50.0, 3.0)[np.newaxis]).argmax()) for b in range(BANDS)
    } == {*range(BANDS)}
