"""Degrade crops as rooms, noise, telephones and codecs do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from earwitnessd.corpora.surroundings import Surroundings
from earwitnessd.training.codecs import CODECS_8K, through_8k, through_opus
from earwitnessd.training.pool import RATE
from earwitnessd.training.settings import AugmentationSettings

LONGEST_ROOM = RATE // 2
FADE = RATE // 50


@dataclass(frozen=True, eq=False)
class Degraded:
    """One step's crops (count, samples) behind a channel."""

    plain: NDArray[np.float32]
    # room and frequency response alone: what a teacher hears
    heard: NDArray[np.float32]
    # with noise, codecs and pauses, too


class Augmenter:
    """Degrades one step's crops; what happens to each is drawn from the generator it is given."""

    def __init__(self, settings: AugmentationSettings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._surroundings = surroundings

    def degrade(self, waves: NDArray[np.float32], random: np.random.Generator) -> Degraded:
        """Crops (count, samples) as a microphone might have heard them."""
        pairs = [self._degrade_one(waves, index, random) for index in range(len(waves))]
        plain, heard = zip(*pairs, strict=True)
        return Degraded(np.stack(plain), np.stack(heard))

    def _degrade_one(
        self, waves: NDArray[np.float32], index: int, random: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        settings, plain = self._settings, waves[index]
        samples = len(plain)
        size = scipy.fft.next_fast_len(samples + LONGEST_ROOM, real=True)
        telephone = random.random() < settings.telephone
        channel = self._response(size, telephone, random)
        if self._surroundings.rooms and random.random() < settings.room:
            room = self._surroundings.rooms[random.integers(len(self._surroundings.rooms))][:LONGEST_ROOM]
            echo = scipy.fft.rfft(room, size)
            plain = _filtered(plain, echo if channel is None else echo * channel, size)
        elif channel is not None:
            plain = _filtered(plain, channel, size)
        heard = plain
        if random.random() < settings.noise:
            noise = self._noise(waves, index, random)
            heard = heard + (noise if channel is None else _filtered(noise, channel, size))
        if random.random() < settings.clip:
            limit = np.quantile(np.abs(heard[::7]), random.uniform(0.97, 0.999))
            heard = np.clip(heard, -limit, limit)
        if telephone:
            heard = through_8k(heard, CODECS_8K[random.integers(len(CODECS_8K))])
        elif random.random() < settings.opus:
            heard = through_opus(heard)
        if random.random() < settings.pause:
            heard = with_pauses(heard, random)
        return np.asarray(plain, dtype=np.float32), np.asarray(heard, dtype=np.float32)

    def _noise(
        self, waves: NDArray[np.float32], index: int, random: np.random.Generator
    ) -> NDArray[np.float32]:
        settings, samples = self._settings, waves.shape[1]
        snr_db = random.uniform(*settings.snr_db)
        kind = random.random()
        if kind < settings.babble:
            noise, snr_db = waves[(index + random.integers(1, len(waves))) % len(waves)], snr_db + 8
        elif kind < settings.babble + (1 - settings.babble) / 3 or not self._surroundings.noises:
            noise = _coloured(samples, random)
        else:
            recorded = self._surroundings.noises[random.integers(len(self._surroundings.noises))]
            offset = random.integers(0, max(1, len(recorded) - samples))
            noise = np.resize(recorded[offset : offset + samples], samples)
        power, noise_power = np.mean(waves[index] ** 2), np.mean(noise**2) + 1e-12
        return np.asarray(noise * np.sqrt(power / noise_power) * 10 ** (-snr_db / 20), dtype=np.float32)

    def _response(
        self, size: int, telephone: bool, random: np.random.Generator
    ) -> NDArray[np.float32] | None:
        """The magnitude response of the channel, or None for a flat one."""
        settings = self._settings
        hertz = np.linspace(0, RATE / 2, size // 2 + 1, dtype=np.float32)
        gain_db = np.zeros_like(hertz)
        if random.random() < settings.equaliser:
            knots = np.array([0, 150, 400, 1000, 2000, 4000, 8000])
            gain_db += np.interp(hertz, knots, random.normal(0, 4, len(knots))).astype(np.float32)
        if telephone:
            low, high = random.uniform(50, 300), random.uniform(3400, 4000)
            gain_db -= 24 * np.maximum(0, np.log2(low / np.maximum(hertz, 20)))
            gain_db -= 300 * np.maximum(0, np.log2(np.maximum(hertz, 20) / high))
        elif random.random() < settings.band_limit:
            gain_db -= 300 * np.maximum(0, np.log2(np.maximum(hertz, 20) / random.uniform(2500, 7500)))
        return np.asarray(10 ** (gain_db / 20), dtype=np.float32) if gain_db.any() else None


def _filtered(wave: NDArray[np.float32], response: NDArray[Any], size: int) -> NDArray[np.float32]:
    filtered = scipy.fft.irfft(scipy.fft.rfft(wave, size) * response, size)[: len(wave)]
    return np.asarray(filtered, dtype=np.float32)


def with_pauses(wave: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """A wave of which one or two stretches fade to 25-60 dB less, over a faint noise."""
    kept = np.ones(len(wave), np.float32)
    for share in np.full(pauses := random.integers(1, 3), random.uniform(0.2, 0.7) / pauses):
        length = int(share * len(wave))
        start = random.integers(-length // 2, len(wave) - length // 2)
        kept[max(0, start) : max(0, start + length)] = 10 ** (-random.uniform(25, 60) / 20)
    faded = wave * scipy.ndimage.uniform_filter1d(kept, FADE, mode="nearest")
    floor = np.sqrt(np.mean(wave**2)) * 10 ** (-random.uniform(25, 60) / 20)
    noise = _coloured(len(wave), random)
    return np.asarray(faded + noise * (floor / np.sqrt(np.mean(noise**2) + 1e-12)), dtype=np.float32)


def _coloured(samples: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Noise whose power falls with frequency, from white to brown."""
    size = scipy.fft.next_fast_len(samples, real=True)
    white = random.standard_normal(size // 2 + 1, np.float32) + 1j * random.standard_normal(
        size // 2 + 1, np.float32
    )
    fall = np.arange(1, size // 2 + 2, dtype=np.float32) ** -random.uniform(0, 1)
    return np.asarray(scipy.fft.irfft(white * fall, size)[:samples], dtype=np.float32)
