"""How good a window's audio is, whoever speaks in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from statistics import median

import msgspec
import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

SILENCE_DBFS = -120.0  # given for exact zeros, and for anything quieter
CLIPPED_AT = 0.999  # of full scale
SNR_RANGE_DB = (-20.0, 60.0)
_FRAME_SAMPLES = 512
_LOUDEST_NARROW = 1e6  # the squares of a frame of these still fit into 32 bits
_MIN_FRAMES = 3  # of speech and of pause, for an SNR worth telling
_vecdot = getattr(np, "vecdot", None) or partial(np.einsum, "ij,ij->i")  # before numpy 2


class Quality(msgspec.Struct, frozen=True, kw_only=True):
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
    peak = _peak(samples)
    whole = math.isfinite(peak)
    if not whole:
        samples = np.where(np.isfinite(samples), samples, np.float32(0.0))
        peak = _peak(samples)
    powers, rest = _powers(samples, peak)
    return Quality(
        finite=whole,
        level_dbfs=_dbfs((math.fsum(powers) + rest) / max(1, samples.size)),
        peak_dbfs=_dbfs(peak**2),
        clipping_ratio=clipping_ratio(samples) if peak >= CLIPPED_AT else 0.0,
        snr_db=_snr_db(powers, speech),
    )


def level_dbfs(samples: Samples) -> float:
    """The root mean square alone, for each block of a stream: cheap."""
    power = float(np.vdot(samples, samples)) / max(1, samples.size)  # unlike dot, silent if it is too loud
    return _dbfs(power) if math.isfinite(power) else measure(samples).level_dbfs


def clipping_ratio(samples: Samples) -> float:
    """The part of the samples that touch full scale."""
    return float(np.count_nonzero(np.abs(samples) >= CLIPPED_AT) / samples.size) if samples.size else 0.0


def snr_db(samples: Samples, speech: Sequence[tuple[int, int]]) -> float | None:
    """Power of the speech over that of the noise: frames inside a span against frames that touch none."""
    return _snr_db(_powers(samples, _peak(samples))[0], speech)


def _snr_db(powers: list[float], speech: Sequence[tuple[int, int]]) -> float | None:
    inside, outside = _in_and_out(powers, speech)
    if min(len(inside), len(outside)) < _MIN_FRAMES:
        return None
    # the median: a breath or a word the gate missed is not the room
    noise = median(outside)
    signal = math.fsum(inside) / len(inside) - noise
    lowest, highest = SNR_RANGE_DB
    if signal <= 0.0:
        return lowest
    if noise <= 0.0:
        return highest
    return min(max(10.0 * math.log10(signal / noise), lowest), highest)


def _in_and_out(powers: list[float], speech: Sequence[tuple[int, int]]) -> tuple[list[float], list[float]]:
    """Of the frames that lie within a span, and of those that touch none."""
    inside: list[float] = []
    outside: list[float] = []
    behind = 0
    # the last span
    for start, stop in _joined(speech):
        outside += powers[behind : start // _FRAME_SAMPLES]
        inside += powers[-(-start // _FRAME_SAMPLES) : stop // _FRAME_SAMPLES]
        behind = max(behind, -(-stop // _FRAME_SAMPLES))
    return inside, outside + powers[behind:]


def _joined(speech: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Without what lies before the first sample; spans that meet are one: a frame may lie across."""
    joined: list[tuple[int, int]] = []
    for start, stop in sorted((max(start, 0), stop) for start, stop in speech if stop > max(start, 0)):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return joined


def _peak(samples: Samples) -> float:
    """The largest magnitude; not finite if any sample is not."""
    if not samples.size:
        return 0.0
    return max(float(np.maximum.reduce(samples)), -float(np.minimum.reduce(samples)))


def _powers(samples: Samples, peak: float) -> tuple[list[float], float]:
    """The sum of squares of each frame, and of what is left at the end.

    Summed up as narrow as they come, which is right to seven digits: to widen a window takes longer than all
    the rest, and pushes the speech gate's weights out of the processor's caches. From there on they are plain
    numbers: each of numpy's operations has to be fetched from memory first, once for every window.
    """
    if peak > _LOUDEST_NARROW:
        samples = samples.astype(np.float64)
    whole = samples.size // _FRAME_SAMPLES * _FRAME_SAMPLES
    frames, rest = samples[:whole].reshape(-1, _FRAME_SAMPLES), samples[whole:]
    powers: list[float] = squares(frames).tolist()
    return powers, float(np.dot(rest, rest))


def squares(frames: Samples) -> npt.NDArray[np.floating]:
    """The sum of squares of each row."""
    found: npt.NDArray[np.floating] = _vecdot(frames, frames)
    return found


def _dbfs(power: float) -> float:
    return max(SILENCE_DBFS, 10.0 * math.log10(max(power, 1e-30)))
