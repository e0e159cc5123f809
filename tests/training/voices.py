"""Synthesised speakers: buzzes with a pitch and three resonances of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy.signal
import soundfile
from numpy.typing import NDArray

RATE = 16000


def utterance(speaker: int, number: int, seconds: float) -> NDArray[np.float32]:
    """Speaker and number decide everything."""
    own, now = np.random.default_rng(speaker), np.random.default_rng([speaker, number])
    samples = int(seconds * RATE)
    pitch = own.uniform(90, 250) * (1 + 0.05 * np.sin(np.linspace(0, now.uniform(5, 20), samples)))
    wave = scipy.signal.sawtooth(2 * np.pi * np.cumsum(pitch) / RATE) + 0.05 * now.standard_normal(samples)
    for hertz in own.uniform([300, 1000, 2300], [800, 2000, 3500]):
        b, a = scipy.signal.iirpeak(hertz, 5, RATE)
        wave = wave + 3 * scipy.signal.lfilter(b, a, wave)
    return np.asarray(0.3 * wave / np.abs(wave).max(), dtype=np.float32)


def write_speakers(root: Path, speakers: int, clips: int = 2, seconds: float = 1.6) -> Path:
    """Folders `root/<speaker>/*.wav`."""
    for speaker in range(speakers):
        folder = root / f"speaker{speaker}"
        folder.mkdir(parents=True)
        for number in range(clips):
            soundfile.write(folder / f"{number}.wav", utterance(speaker, number, seconds), RATE)
    return root
