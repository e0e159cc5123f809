from __future__ import annotations

import numpy as np
import pytest

from earwitnessd.capture.messages import Samples
from earwitnessd.capture.resample import Resampler, silence_unusable, to_16k, to_mono


def sine(rate: int, duration_s: float, frequency_hz: float = 440.0) -> Samples:
    time_s = np.arange(round(rate * duration_s)) / rate
    return np.sin(2 * np.pi * frequency_hz * time_s).astype(np.float32)


def test_one_channel_is_picked_or_all_are_averaged() -> None:
    frames = np.array([[1.0, 3.0], [2.0, 6.0]], dtype=np.float32)
    np.testing.assert_array_equal(to_mono(frames, 1), [3.0, 6.0])
    np.testing.assert_array_equal(to_mono(frames, "mix"), [2.0, 4.0])
    np.testing.assert_array_equal(to_mono(frames[:, :1], "mix"), [1.0, 2.0])
    assert to_mono(frames, "mix").dtype == np.float32


def test_samples_that_are_no_audio_become_silence_and_are_counted() -> None:
    frames = np.array([[0.5, np.nan], [np.inf, -np.inf], [1e30, -0.5]], dtype=np.float32)
    clean, count = silence_unusable(frames)
    assert count == 4
    np.testing.assert_array_equal(clean, [[0.5, 0.0], [0.0, 0.0], [0.0, -0.5]])


def test_usable_samples_are_not_copied() -> None:
    frames = np.ones((4, 2), dtype=np.float32)
    clean, count = silence_unusable(frames)
    assert clean is frames
    assert count == 0


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_a_tone_comes_out_as_the_same_tone_whatever_the_splits(rate: int) -> None:
    tone = sine(rate, 2.0)
    splits = np.sort(np.random.default_rng(rate).integers(0, len(tone), 40))
    resampler = Resampler(rate)
    out = np.concatenate([*[resampler.push(part) for part in np.split(tone, splits)], resampler.flush()])
    assert len(out) == to_16k(len(tone), rate) == resampler.position
    np.testing.assert_allclose(out[400:-400], sine(16_000, 2.0)[400 : len(out) - 400], atol=2e-3)


def test_sixteen_kilohertz_pass_untouched() -> None:
    noise = np.random.default_rng(1).standard_normal(999).astype(np.float32)
    resampler = Resampler(16_000)
    np.testing.assert_array_equal(resampler.push(noise), noise)
    assert len(resampler.flush()) == 0


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 48_000, 192_000])
def test_positions_derive_from_native_ones_over_any_gaps(rate: int) -> None:
    random = np.random.default_rng(rate)
    resampler = Resampler(rate)
    native = 0
    for _ in range(60):
        native += int(random.integers(0, 3_000))
        began = resampler.position
        resampler.start_at(native)
        assert resampler.position == to_16k(native, rate) >= began
        for length in random.integers(0, 2_000, 3):
            resampler.push(np.zeros(length, dtype=np.float32))
            native += int(length)
        resampler.flush()
        assert resampler.position == to_16k(native, rate)


def test_a_gap_leaves_nothing_of_what_was_before_it() -> None:
    resampler = Resampler(48_000)
    resampler.push(np.ones(4_800, dtype=np.float32))
    resampler.flush()
    resampler.start_at(48_000)
    after = np.concatenate([resampler.push(np.zeros(4_800, dtype=np.float32)), resampler.flush()])
    np.testing.assert_array_equal(after, np.zeros(1_600, dtype=np.float32))


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_an_hour_does_not_drift(rate: int) -> None:
    resampler = Resampler(rate)
    second = np.zeros(rate, dtype=np.float32)
    behind = [0, 0]
    for _ in range(3_600):
        resampler.push(second)
        behind.append(to_16k(resampler.native_end, rate) - resampler.position)
    assert 0 <= max(behind) < 1_600
    resampler.flush()
    assert resampler.position == 3_600 * 16_000
