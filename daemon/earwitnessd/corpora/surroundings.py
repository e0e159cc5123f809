"""Recorded noise and impulse responses of rooms, from a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from earwitnessd.corpora.clips import audio_files
from earwitnessd.corpora.errors import CorpusError
from earwitnessd.evaluation.audio import RATE, read

LONGEST_ROOM_S = 1.0
ROOM_FOLDERS = "rir"


@dataclass(frozen=True, eq=False, slots=True)
class Surroundings:
    """What was found."""

    noises: tuple[NDArray[np.float32], ...] = ()
    rooms: tuple[NDArray[np.float32], ...] = ()
    # impulse responses, the direct path first and of height 1


def load_surroundings(root: Path) -> Surroundings:
    """Noise, and impulse responses in folders whose names start with `rir`."""
    noises, rooms = [], []
    for path in audio_files(root):
        try:
            wave = read(path)
        except (soundfile.LibsndfileError, OSError) as error:
            raise CorpusError(f"{path}: {error}; expected audio") from None
        if path.parent.name.startswith(ROOM_FOLDERS):
            direct = int(np.argmax(np.abs(wave)))
            rooms.append(wave[direct : direct + round(LONGEST_ROOM_S * RATE)] / wave[direct])
        else:
            noises.append(wave)
    if not noises and not rooms:
        raise CorpusError(f"{root}: holds no audio; expected noise, or impulse responses in {ROOM_FOLDERS}*/")
    return Surroundings(tuple(noises), tuple(rooms))
