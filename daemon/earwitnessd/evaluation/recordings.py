"""One embedding a sound file: of the whole, or the mean of the windows that the daemon would hear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from earwitnessd.evaluation.audio import read
from earwitnessd.evaluation.embedding import BATCH, windows_of
from earwitnessd.evaluation.errors import EvaluationError

Wave = NDArray[np.float32]
Embed = Callable[[Wave], Wave]


def embed_files(files: Sequence[Path], embed: Embed, tick: Callable[[int, int], None]) -> Wave:
    """(files, size of a vector), in order."""
    rows = list[Wave]()
    for number, file in enumerate(files, start=1):
        try:
            rows.append(embed(heard(file)))
        except RuntimeError as error:  # too short, or too long for the memory
            raise EvaluationError(f"{file}: cannot be embedded: {error}") from None
        if not np.isfinite(rows[-1]).all():
            raise EvaluationError(f"{file}: its embedding is not finite; is it sound throughout?")
        tick(number, len(files))
    return np.stack(rows)


def heard(file: Path) -> Wave:
    """A sound file at 16 kHz; what is none is said so."""
    try:
        wave = read(file)
    except FileNotFoundError:
        raise EvaluationError(f"{file}: no such file; expected a recording") from None
    except (soundfile.LibsndfileError, OSError) as error:
        raise EvaluationError(f"{file}: {error}; expected wav, flac, ogg or mp3") from None
    if not len(wave):
        raise EvaluationError(f"{file}: holds no sound; expected a recording")
    return wave


def by_windows(embed: Embed) -> Embed:
    """The mean of the windows' embeddings, of length 1."""

    def mean(wave: Wave) -> Wave:
        windows = windows_of(wave)
        batches = (np.stack(windows[start : start + BATCH]) for start in range(0, len(windows), BATCH))
        total: Wave = np.sum([embed(batch).sum(axis=0) for batch in batches], axis=0)
        unit: Wave = total / np.linalg.norm(total)
        return unit

    return mean


def at_once(embed: Embed) -> Embed:
    """A single pass over the whole recording, however long."""
    return lambda wave: embed(wave[np.newaxis])[0]
