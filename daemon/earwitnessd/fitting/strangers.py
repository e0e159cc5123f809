"""Make a cohort of a folder of speakers."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

import numpy as np
import soundfile

from earwitnessd.calibration import CalibrationError, Cohort
from earwitnessd.calibration.cohort import LEAST_SPEAKERS, Vectors, unit
from earwitnessd.capture.messages import RATE, Samples
from earwitnessd.evaluation.audio import read
from earwitnessd.evaluation.embedding import Embed

WINDOW = 3 * RATE
MOST_WINDOWS = 6  # of one speaker: more would tell the same again
TOP = 100
AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3"}

Clip = tuple[str, float, float]
# file, start and duration in seconds; 0: to the end


def speakers_in(folder: Path, exclude: Collection[str] = ()) -> dict[str, list[Clip]]:
    """The clips of each speaker: of `index.tsv` (file, speaker, start_s, dur_s), or of <speaker>/.

    `exclude` names corpora, the first component of a speaker's name.
    """
    index = folder / "index.tsv"
    found: dict[str, list[Clip]] = {}
    for speaker, clip in _indexed(index) if index.exists() else _by_folder(folder):
        if speaker.split("/")[0] not in exclude:
            found.setdefault(speaker, []).append(clip)
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
    for file, start_s, duration_s in clips:
        try:
            if file != opened:
                opened, wave = file, read(folder / file)
        except (soundfile.LibsndfileError, OSError) as error:
            raise CalibrationError(f"{folder / file}: {error}; expected audio") from None
        start = round(start_s * RATE)
        parts.append(wave[start : start + round(duration_s * RATE)] if duration_s else wave[start:])
        if sum(map(len, parts)) >= MOST_WINDOWS * WINDOW:
            break
    whole = np.concatenate(parts)
    count = min(MOST_WINDOWS, len(whole) // WINDOW)
    return [whole[index * WINDOW : (index + 1) * WINDOW] for index in range(count)]


def _indexed(table: Path) -> Iterator[tuple[str, Clip]]:
    with table.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            try:
                yield row["speaker"], (row["file"], float(row["start_s"]), float(row["dur_s"]))
            except (KeyError, ValueError):
                expected = "columns file, speaker, start_s, dur_s"
                raise CalibrationError(f"{table}: expected the {expected}") from None


def _by_folder(folder: Path) -> Iterator[tuple[str, Clip]]:
    for file in sorted(folder.glob("*/**/*")):
        if file.suffix.lower() in AUDIO_SUFFIXES:
            path = file.relative_to(folder)
            yield path.parts[0], (path.as_posix(), 0.0, 0.0)
