"""Embed each crop of a trial list once, long ones as the mean of overlapping windows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from earwitnessd.evaluation.errors import EvaluationError
from earwitnessd.evaluation.trials import Crop, Trial

RATE = 16000
WINDOW_S, HOP_S = 3.0, 0.5
SHORTEST_S = 0.4
# shorter crops are repeated up to this length: there is no voice to hear in less
BATCH = 32

Embed = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def embed_crops(
    trials: list[Trial],
    root: Path,
    listing: Path,
    embed: Embed,
    tick: Callable[[int, int], None],
    hop_s: float = HOP_S,
) -> tuple[dict[Crop, NDArray[np.float32]], float]:
    """The unit-norm embedding of every crop, and how many seconds of windows were embedded.

    Windows of one length wait for each other, so that nothing is padded: padding changes embeddings.
    """
    sums: dict[Crop, NDArray[np.float32]] = {}
    waiting: dict[int, list[tuple[Crop, NDArray[np.float32]]]] = defaultdict(list)
    embedded = 0
    crops = sorted({crop for trial in trials for crop in (trial.enrolment, trial.test)})
    lines = {crop: trial.line for trial in reversed(trials) for crop in (trial.enrolment, trial.test)}

    def flush(length: int) -> None:
        owners, windows = zip(*waiting.pop(length), strict=True)
        for owner, vector in zip(owners, embed(np.stack(windows)), strict=True):
            sums[owner] = sums[owner] + vector if owner in sums else vector
        nonlocal embedded
        embedded += length * len(windows)

    for number, (crop, wave) in enumerate(_waves(crops, root, listing, lines), start=1):
        for window in windows_of(wave, hop_s):
            waiting[len(window)].append((crop, window))
            if len(waiting[len(window)]) >= BATCH:
                flush(len(window))
        tick(number, len(crops))
    for length in list(waiting):
        flush(length)
    return {crop: total / np.linalg.norm(total) for crop, total in sums.items()}, embedded / RATE


def windows_of(wave: NDArray[np.float32], hop_s: float = HOP_S) -> list[NDArray[np.float32]]:
    """What the daemon would hear: windows each hop, the last one at the end; a short wave is one window."""
    window, hop = int(WINDOW_S * RATE), int(hop_s * RATE)
    if len(wave) <= window:
        return [wave if len(wave) >= SHORTEST_S * RATE else np.resize(wave, int(SHORTEST_S * RATE))]
    starts = [*range(0, len(wave) - window, hop), len(wave) - window]
    return [wave[start : start + window] for start in starts]


def _waves(
    crops: Iterable[Crop], root: Path, listing: Path, lines: dict[Crop, int]
) -> Iterator[tuple[Crop, NDArray[np.float32]]]:
    """Crops come sorted by path, so each file is decoded once."""
    opened, whole = "", np.zeros(0, np.float32)
    for crop in crops:
        try:
            if crop.path != opened:
                opened, whole = crop.path, _read(root / crop.path)
            wave = _cut(whole, crop)
        except FileNotFoundError:
            raise EvaluationError(
                f"{listing}:{lines[crop]}: {root / crop.path}: no such file; expected audio"
            ) from None
        except (soundfile.LibsndfileError, OSError, ValueError) as error:
            raise EvaluationError(
                f"{listing}:{lines[crop]}: {root / crop.path}: {error}; expected audio"
            ) from None
        yield crop, wave


def _cut(whole: NDArray[np.float32], crop: Crop) -> NDArray[np.float32]:
    start = round(crop.start_s * RATE)
    stop = start + round(crop.duration_s * RATE) if crop.duration_s else len(whole)
    if len(whole[start:stop]) < RATE // 100:
        raise ValueError(
            f"crop starts at {crop.start_s} s; expected a start before {len(whole) / RATE:.2f} s"
        )
    return whole[start:stop]


def _read(path: Path) -> NDArray[np.float32]:
    if not path.exists():
        raise FileNotFoundError(path)
    wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono: NDArray[np.float32] = wave.mean(axis=1, dtype=np.float32)
    return mono if rate == RATE else np.asarray(soxr.resample(mono, rate, RATE), dtype=np.float32)
