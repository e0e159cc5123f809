"""Embed each crop of a trial list once, long ones as the mean of overlapping windows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earwitnessd.evaluation.audio import RATE, crops_of, cut, recordings
from earwitnessd.evaluation.trials import Crop, Trial

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
    crops = crops_of(trials)

    def flush(length: int) -> None:
        owners, windows = zip(*waiting.pop(length), strict=True)
        for owner, vector in zip(owners, embed(np.stack(windows)), strict=True):
            sums[owner] = sums[owner] + vector if owner in sums else vector
        nonlocal embedded
        embedded += length * len(windows)

    for number, (crop, whole) in enumerate(recordings(crops, root, listing), start=1):
        for window in windows_of(cut(whole, crop), hop_s):
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
