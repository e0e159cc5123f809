"""Make a cohort of a folder of speakers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import numpy as np
import soundfile

from earwitnessd.calibration import CalibrationError, Cohort
from earwitnessd.calibration.cohort import LEAST_SPEAKERS, Vectors, unit
from earwitnessd.capture.messages import RATE, Samples
from earwitnessd.corpora.clips import Clip, clips_in
from earwitnessd.evaluation.audio import read
from earwitnessd.evaluation.embedding import Embed

WINDOW = 3 * RATE
MOST_WINDOWS = 6  # of one speaker: more would tell the same again
TOP = 100


def speakers_in(folder: Path, exclude: Collection[str] = ()) -> dict[str, list[Clip]]:
    """The clips of each speaker; `exclude` names corpora."""
    found: dict[str, list[Clip]] = {}
    for clip in clips_in(folder):
        if clip.corpus not in exclude:
            found.setdefault(clip.speaker, []).append(clip)
    if len(found) < LEAST_SPEAKERS:
        raise CalibrationError(
            f"{folder}: recordings of {len(found)} speakers; a cohort needs at least {LEAST_SPEAKERS} "
            "(<speaker>/*.wav, or an index.tsv)"
        )
    return found


def some_of(speakers: Mapping[str, list[Clip]], count: int, seed: int = 0) -> dict[str, list[Clip]]:
    """So many of them, drawn alike each time."""
    names = sorted(speakers)
    chosen = np.random.default_rng(seed).permutation(len(names))[:count]
    return {names[index]: speakers[names[index]] for index in sorted(chosen)}


def make_cohort(
    folder: Path,
    speakers: Mapping[str, list[Clip]],
    model_id: str,
    embed: Embed,
    tick: Callable[[int, int], None],
) -> Cohort:
    """One embedding a speaker; who has less than a window of audio is left out."""
    vectors: list[Vectors] = []
    for number, clips in enumerate(speakers.values(), start=1):
        windows = _windows(folder, clips)
        if windows:
            vectors.append(unit(embed(np.stack(windows)).sum(axis=0)))
        tick(number, len(speakers))
    if len(vectors) < LEAST_SPEAKERS:
        raise CalibrationError(
            f"{folder}: {len(vectors)} speakers with {WINDOW / RATE:g} s of audio; "
            f"a cohort needs at least {LEAST_SPEAKERS}"
        )
    return Cohort.of(model_id, vectors, TOP)


def _windows(folder: Path, clips: list[Clip]) -> list[Samples]:
    parts: list[Samples] = []
    opened, wave = "", np.zeros(0, dtype=np.float32)
    for clip in clips:
        try:
            if clip.file != opened:
                opened, wave = clip.file, read(folder / clip.file)
        except (soundfile.LibsndfileError, OSError) as error:
            raise CalibrationError(f"{folder / clip.file}: {error}; expected audio") from None
        parts.append(wave[clip.cut(len(wave), RATE)])
        if sum(map(len, parts)) >= MOST_WINDOWS * WINDOW:
            break
    whole = np.concatenate(parts)
    count = min(MOST_WINDOWS, len(whole) // WINDOW)
    return [whole[index * WINDOW : (index + 1) * WINDOW] for index in range(count)]
