"""Figures of a window's audio, against signals whose figures are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from earwitnessd.quality import SILENCE_DBFS, level_dbfs, measure

Samples = npt.NDArray[np.float32]
RATE = 16_000


def sine(seconds: float, amplitude: float) -> Samples:
    return (amplitude * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def noise(seconds: float, level: float) -> Samples:
    samples = np.random.default_rng(4).standard_normal(int(seconds * RATE)) * level
    return samples.astype(np.float32)


def test_levels_of_a_sine_are_what_the_book_says() -> None:
    quality = measure(sine(3.0, 0.1))
    assert quality.level_dbfs == pytest.approx(-23.01, abs=0.01)
    assert quality.peak_dbfs == pytest.approx(-20.0, abs=0.01)
    assert quality.finite
    assert quality.clipping_ratio == 0.0


def test_silence_and_nothing_at_all_have_the_lowest_level() -> None:
    for samples in (np.zeros(RATE, dtype=np.float32), np.empty(0, dtype=np.float32)):
        quality = measure(samples)
        assert (quality.level_dbfs, quality.peak_dbfs) == (SILENCE_DBFS, SILENCE_DBFS)
        assert (quality.clipping_ratio, quality.snr_db) == (0.0, None)


@pytest.mark.parametrize("spoiled", [0.0, np.nan, np.inf, 1e30])
def test_a_blocks_level_is_the_one_that_a_window_of_it_would_have(spoiled: float) -> None:
    for samples in (
        sine(0.032, 0.1),
        noise(0.032, 0.001),
        np.zeros(512, np.float32),
        np.empty(0, np.float32),
    ):
        samples[:1] = spoiled
        assert level_dbfs(samples) == pytest.approx(measure(samples).level_dbfs, abs=1e-4)


def test_clipping_is_the_part_of_the_samples_at_full_scale() -> None:
    samples = noise(1.0, 0.1)
    samples[:4000] = 1.0
    samples[4000:8000] = -1.0
    assert measure(samples).clipping_ratio == 0.5
    assert measure(np.clip(sine(1.0, 2.0), -1.0, 1.0)).clipping_ratio == pytest.approx(2 / 3, abs=0.01)


def test_a_nan_is_told_and_does_not_spoil_the_other_figures() -> None:
    samples = sine(3.0, 0.1)
    samples[7] = np.nan
    samples[9] = -np.inf
    quality = measure(samples)
    assert not quality.finite
    assert quality.level_dbfs == pytest.approx(-23.01, abs=0.05)
    assert quality.peak_dbfs == pytest.approx(-20.0, abs=0.05)


@pytest.mark.parametrize("expected_db", [0.0, 10.0, 20.0, 40.0])
def test_snr_is_the_power_of_speech_over_that_of_the_pauses(expected_db: float) -> None:
    background = noise(3.0, 0.001)
    loud = noise(3.0, 0.001 * 10 ** (expected_db / 20))[::-1]
    samples = background.copy()
    samples[RATE : 2 * RATE] += loud[RATE : 2 * RATE]
    measured = measure(samples, [(RATE, 2 * RATE)]).snr_db
    assert measured == pytest.approx(expected_db, abs=1.0)


def test_snr_is_unknown_without_enough_speech_or_pause() -> None:
    samples = noise(3.0, 0.01)
    assert measure(samples).snr_db is None
    assert measure(samples, [(0, samples.size)]).snr_db is None
    assert measure(samples, [(0, 1000)]).snr_db is None


def test_snr_stays_in_its_range() -> None:
    clean = np.zeros(3 * RATE, dtype=np.float32)
    clean[:RATE] = sine(1.0, 0.5)
    assert measure(clean, [(0, RATE)]).snr_db == 60.0
    assert measure(clean, [(RATE, 2 * RATE)]).snr_db == -20.0


def test_one_missed_word_in_the_pauses_does_not_become_the_room() -> None:
    samples = noise(3.0, 0.001)
    samples[:RATE] += sine(1.0, 0.1)
    expected = measure(samples, [(0, RATE)]).snr_db
    samples[int(2.5 * RATE) : int(2.7 * RATE)] += sine(0.2, 0.1)
    assert measure(samples, [(0, RATE)]).snr_db == pytest.approx(expected, abs=0.5)


def test_spans_beyond_the_window_are_cut_to_it() -> None:
    samples = noise(3.0, 0.001)
    samples[:RATE] += sine(1.0, 0.1)
    assert measure(samples, [(-500, RATE)]) == measure(samples, [(0, RATE)])
