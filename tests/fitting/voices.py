"""Recordings of many voices made of tones, and lists of trials of them."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import soundfile

from earwitnessd.capture.messages import RATE

from ..voices import talking

TAKES = 4
SECONDS = 4.0


def pitch_hz(speaker: int, take: int) -> float:
    """Nearly the same each time; some voices are close to each other."""
    random = np.random.default_rng(1000 * speaker + take)
    return float(150.0 + 110.0 * speaker + random.normal(0.0, 25.0))


def record(folder: Path, speakers: range, takes: int = TAKES) -> None:
    """One folder a speaker."""
    for speaker in speakers:
        (folder / f"s{speaker:02d}").mkdir(parents=True)
        for take in range(takes):
            wave = talking(pitch_hz(speaker, take), SECONDS, seed=31 * speaker + take)
            soundfile.write(folder / f"s{speaker:02d}" / f"{take}.wav", wave, RATE)


def write_trials(file: Path, speakers: range, takes: int = TAKES) -> None:
    """Every pair of recordings."""
    names = [(speaker, f"s{speaker:02d}/{take}.wav") for speaker in speakers for take in range(takes)]
    pairs = combinations(names, 2)
    file.write_text("".join(f"{int(a == b)} {one} {other}\n" for (a, one), (b, other) in pairs))
