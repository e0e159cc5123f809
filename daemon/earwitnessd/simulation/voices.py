"""The speakers of a simulation: what each has to say, without long pauses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from earwitnessd.corpora.clips import audio_files
from earwitnessd.evaluation.audio import RATE, read
from earwitnessd.evaluation.speech import speech_spans
from earwitnessd.settings.speech_gate import SpeechGateSettings
from earwitnessd.simulation.errors import SimulationError
from earwitnessd.speech import open_gate

LONGEST_PAUSE_S = 0.3  # between two stretches of speech; longer ones are the simulation's to make
LEVEL = 0.05  # root mean square of everybody's speech, -26 dBFS

Wave = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Folder:
    """One speaker's recordings."""

    speaker: str
    files: tuple[Path, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Voice:
    """One speaker's speech: the beginning is kept for enrolment, the rest is for conversations."""

    speaker: str
    enrolment: Wave
    talk: Wave

    def say(self, start: int, samples: int) -> Wave:
        """A stretch of their talk; after its end it begins again."""
        return np.take(self.talk, np.arange(start, start + samples), mode="wrap")


def find_folders(roots: Sequence[Path]) -> list[Folder]:
    """Every folder directly below one of the roots is a speaker; equal names get their root's before them."""
    found = []
    for root in roots:
        if not root.is_dir():
            raise SimulationError(f"{root}: no such folder; expected one with a folder a speaker")
        folders = sorted(path for path in root.iterdir() if path.is_dir())
        found += [
            (root.resolve().name, folder.name, files)
            for folder in folders
            if (files := tuple(audio_files(folder)))
        ]
    times = Counter(name for _, name, _ in found)
    named = [
        Folder("_".join((name if times[name] == 1 else f"{root}_{name}").split()), files)
        for root, name, files in found
    ]
    if len({folder.speaker for folder in named}) < len(named):
        raise SimulationError(f"{', '.join(map(str, roots))}: two speakers of one name")
    return named


def long_enough(folders: Sequence[Folder], least_s: float) -> list[Folder]:
    """Those with so much audio, speech or not."""
    return [folder for folder in folders if sum(_duration_s(file) for file in folder.files) >= least_s]


def _duration_s(file: Path) -> float:
    try:
        return float(soundfile.info(file).duration)
    except (soundfile.LibsndfileError, OSError) as error:
        raise SimulationError(f"{file}: {error}; expected audio") from None


def load_voice(
    folder: Folder, enrolment_s: float, least_talk_s: float, gate: SpeechGateSettings
) -> Voice | None:
    """All speech in a speaker's recordings, in the order of their names; the first part is for enrolment.

    None: it is too little for both.
    """
    parts = [_speech_in(file, gate) for file in folder.files]
    speech = np.concatenate(parts)
    kept = round(enrolment_s * RATE)
    if len(speech) < kept + least_talk_s * RATE:
        return None
    return Voice(folder.speaker, speech[:kept], speech[kept:])


def _speech_in(file: Path, settings: SpeechGateSettings) -> Wave:
    try:
        wave = read(file)
    except (soundfile.LibsndfileError, OSError) as error:
        raise SimulationError(f"{file}: {error}; expected audio") from None
    spans = speech_spans(wave, open_gate(settings), settings)
    pause = round(LONGEST_PAUSE_S * RATE)
    stretches = [wave[start : min(stop + pause // 2, len(wave))] for start, stop in spans]
    if not stretches:
        return np.zeros(0, np.float32)
    loudness = np.sqrt(np.mean(np.concatenate([wave[a:b] for a, b in spans]) ** 2)) + 1e-9
    return np.asarray(np.concatenate([faded(part) for part in stretches]) * (LEVEL / loudness), np.float32)


def faded(wave: Wave) -> Wave:
    """Without a click at either end."""
    ramp = np.minimum(1.0, np.arange(1, len(wave) + 1) / (RATE // 100))
    return np.asarray(wave * ramp * ramp[::-1], dtype=np.float32)
