"""How good a window's audio is, whoever speaks in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
Squares = npt.NDArray[np.float64]

SILENCE_DBFS = -120.0  # given for exact zeros, and for anything quieter
CLIPPED_AT = 0.999  # of full scale
SNR_RANGE_DB = (-20.0, 60.0)
_FRAME_SAMPLES = 512
_MIN_FRAMES = 3  # of speech and of pause, for an SNR worth telling


@dataclass(frozen=True, kw_only=True)
class Quality:
    """What may make a window's embedding doubtful."""

    finite: bool
    # False: it holds NaN or infinity, and every other figure counts only the finite samples
    level_dbfs: float
    # root mean square; a full-scale sine is -3
    peak_dbfs: float
    clipping_ratio: float
    # of samples at full scale, 0 to 1
    snr_db: float | None
    # speech over the noise in the pauses; None: too little of either


def measure(samples: Samples, speech: Sequence[tuple[int, int]] = ()) -> Quality:
    """Measure a window; `speech` are its spans of speech, counted from its first sample."""
    finite = np.isfinite(samples)
    whole = bool(finite.all())
    if not whole:
        samples = np.where(finite, samples, np.float32(0.0))
    squares = _squares(samples)
    return Quality(
        finite=whole,
        level_dbfs=_dbfs(float(squares.mean()) if samples.size else 0.0),
        peak_dbfs=_dbfs(float(np.abs(samples).max(initial=0.0)) ** 2),
        clipping_ratio=clipping_ratio(samples),
        snr_db=_snr_db(squares, speech),
    )


def level_dbfs(samples: Samples) -> float:
    """The root mean square alone, for each block of a stream: cheap."""
    wide = samples.astype(np.float64)
    power = float(wide @ wide) / max(1, samples.size)
    return _dbfs(power) if math.isfinite(power) else measure(samples).level_dbfs


def clipping_ratio(samples: Samples) -> float:
    """The part of the samples that touch full scale."""
    return float(np.count_nonzero(np.abs(samples) >= CLIPPED_AT) / samples.size) if samples.size else 0.0


def snr_db(samples: Samples, speech: Sequence[tuple[int, int]]) -> float | None:
    """Power of the speech over that of the noise: frames inside a span against frames that touch none."""
    return _snr_db(_squares(samples), speech)


def _snr_db(squares: Squares, speech: Sequence[tuple[int, int]]) -> float | None:
    frames = squares[: squares.size // _FRAME_SAMPLES * _FRAME_SAMPLES].reshape(-1, _FRAME_SAMPLES)
    spoken = np.zeros(squares.size, dtype=bool)
    for start, stop in speech:
        spoken[max(start, 0) : max(stop, 0)] = True
    shares = spoken[: frames.size].reshape(frames.shape)
    powers = frames.mean(axis=1)
    loud, quiet = powers[shares.all(axis=1)], powers[~shares.any(axis=1)]
    if min(loud.size, quiet.size) < _MIN_FRAMES:
        return None
    # the median: a breath or a word the gate missed is not the room
    noise = float(np.median(quiet))
    signal = float(np.mean(loud)) - noise
    lowest, highest = SNR_RANGE_DB
    if signal <= 0.0:
        return lowest
    if noise <= 0.0:
        return highest
    return float(np.clip(10.0 * np.log10(signal / noise), lowest, highest))


def _squares(samples: Samples) -> Squares:
    """Widened first, as a whole: to square into a wider type takes longer than all the rest."""
    wide = samples.astype(np.float64)
    wide *= wide
    return wide


def _dbfs(power: float) -> float:
    return max(SILENCE_DBFS, float(10.0 * np.log10(max(power, 1e-30))))
