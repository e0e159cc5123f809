"""Rooms and noise for simulated recordings: recorded ones where there are some, made ones otherwise."""

from __future__ import annotations

import numpy as np

from earwitnessd.corpora.surroundings import Surroundings
from earwitnessd.evaluation.audio import RATE
from earwitnessd.simulation.voices import Wave

REVERBERATION_S = (0.15, 0.6)
# time in which a made room's echo falls by 60 dB
DIRECT_DB = (0.0, 12.0)
# the direct sound above a made room's echo


def draw_room(surroundings: Surroundings, random: np.random.Generator) -> Wave:
    """An impulse response: one of those that were found, or a decaying noise."""
    if surroundings.rooms:
        return surroundings.rooms[int(random.integers(len(surroundings.rooms)))]
    decay_s = random.uniform(*REVERBERATION_S)
    echo = random.standard_normal(round(decay_s * RATE))
    echo *= 10 ** (-3 * np.arange(len(echo)) / len(echo))
    echo *= 10 ** (-random.uniform(*DIRECT_DB) / 20) / np.sqrt(np.sum(echo**2))
    return np.concatenate(([1.0], echo)).astype(np.float32)


def draw_noise(surroundings: Surroundings, samples: int, random: np.random.Generator) -> Wave:
    """Noise of unit power: one of those that were found, from anywhere in it, or between white and brown."""
    if surroundings.noises:
        recorded = surroundings.noises[int(random.integers(len(surroundings.noises)))]
        begin = int(random.integers(len(recorded)))
        noise: Wave = np.take(recorded, np.arange(begin, begin + samples), mode="wrap")
    else:
        spectrum = np.fft.rfft(random.standard_normal(samples))
        spectrum *= np.arange(1, len(spectrum) + 1) ** -random.uniform(0.0, 1.0)
        noise = np.fft.irfft(spectrum, samples).astype(np.float32)
    return np.asarray(noise / (np.sqrt(np.mean(np.square(noise))) + 1e-9), dtype=np.float32)


def in_room(dry: Wave, room: Wave) -> Wave:
    """What is heard of a voice in a room, as loud as before, for as long as it lasted."""
    size = 1 << (len(dry) + len(room) - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(room, size), size)[: len(dry)]
    return np.asarray(wet * (np.linalg.norm(dry) / (np.linalg.norm(wet) + 1e-9)), dtype=np.float32)
