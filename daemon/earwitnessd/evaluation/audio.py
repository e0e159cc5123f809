"""Decode the recordings of a trial list, each once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from earwitnessd.evaluation.errors import EvaluationError
from earwitnessd.evaluation.trials import Crop, Trial

RATE = 16000
SHORTEST = RATE // 100

Lines = dict[Crop, int]
# where in the list a crop comes first


def crops_of(trials: list[Trial]) -> Lines:
    """Every crop of a list once, sorted by path."""
    lines = {crop: trial.line for trial in reversed(trials) for crop in (trial.enrolment, trial.test)}
    return {crop: lines[crop] for crop in sorted(lines)}


def recordings(crops: Lines, root: Path, listing: Path) -> Iterator[tuple[Crop, NDArray[np.float32]]]:
    """Each crop with the whole recording it is in; sorted by path, so that each file is decoded once."""
    opened, whole = "", np.zeros(0, np.float32)
    for crop, line in crops.items():
        try:
            if crop.path != opened:
                opened, whole = crop.path, read(root / crop.path)
            cut(whole, crop)
        except FileNotFoundError:
            raise EvaluationError(
                f"{listing}:{line}: {root / crop.path}: no such file; expected audio"
            ) from None
        except (soundfile.LibsndfileError, OSError, ValueError) as error:
            raise EvaluationError(f"{listing}:{line}: {root / crop.path}: {error}; expected audio") from None
        yield crop, whole


def cut(whole: NDArray[np.float32], crop: Crop) -> NDArray[np.float32]:
    """The stretch of a recording that a crop names."""
    start, stop = span(whole, crop)
    if stop - start < SHORTEST:
        raise ValueError(
            f"crop starts at {crop.start_s} s; expected a start before {len(whole) / RATE:.2f} s"
        )
    return whole[start:stop]


def span(whole: NDArray[np.float32], crop: Crop) -> tuple[int, int]:
    """First sample of a crop, and the first one after it."""
    start = round(crop.start_s * RATE)
    stop = start + round(crop.duration_s * RATE) if crop.duration_s else len(whole)
    return start, min(stop, len(whole))


def read(path: Path) -> NDArray[np.float32]:
    """A sound file as one channel at 16 kHz."""
    if not path.exists():
        raise FileNotFoundError(path)
    wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono: NDArray[np.float32] = wave.mean(axis=1, dtype=np.float32)
    return mono if rate == RATE else np.asarray(soxr.resample(mono, rate, RATE), dtype=np.float32)
