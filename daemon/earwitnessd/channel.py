"""Which kind of channel speech came through, by its spectrum: a telephone passes nothing above 4 kHz."""

from __future__ import annotations

import math
from statistics import median
from typing import Literal

import numpy as np
import numpy.typing as npt

from earwitnessd.quality import squares

Channel = Literal["", "wideband", "telephone"]  # empty: it cannot be told
Samples = npt.NDArray[np.float32]
Powers = npt.NDArray[np.float64]  # (4,): mean power in each band

RATE = 16_000
FRAME = 512  # samples
VOICE, BELOW, ABOVE, HIGH = ((500, 3300), (2900, 3400), (4150, 4700), (4300, 7500))  # Hz
KEPT = 0.81  # of the powers so far, each second
TELEPHONE_HIGH_DB, TELEPHONE_EDGE_DB = -50.0, -25.0  # high against voice, above against below the edge
WIDEBAND_HIGH_DB, WIDEBAND_EDGE_DB = -45.0, -20.0
LEAST_POWER = 1e-12
NOTHING: Powers = np.zeros(4)


def speech_powers(samples: Samples) -> Powers:
    """The mean power in each band, over the louder half of a window's frames."""
    frames = samples[: samples.size // FRAME * FRAME].reshape(-1, FRAME)
    if not len(frames):
        return NOTHING
    powers = squares(frames).tolist()
    middle = median(powers)
    louder = frames[[row for row, power in enumerate(powers) if power >= middle]]
    spectra = np.fft.rfft(louder * _HANN, axis=1)
    parts = spectra.view(spectra.real.dtype)
    # real and imaginary in turn: what is squared needs no root before
    sums: list[float] = np.einsum("ij,ij->j", parts, parts).tolist()
    return np.array([math.fsum(sums[band]) / _width(band) / len(louder) for band in _BANDS])


def remembered(before: Powers, window: Powers, after_s: float) -> Powers:
    """What is known of a stream after one more window, so long after the last."""
    kept: float = KEPT**after_s
    return before * kept + window


def kind_of(powers: Powers) -> Channel:
    """Telephone if nothing is heard above 4 kHz and it ends there like a cliff; in between it is not told."""
    voice, below, above, high = np.maximum(powers, LEAST_POWER).tolist()
    if voice <= LEAST_POWER:
        return ""
    high_db, edge_db = 10.0 * math.log10(high / voice), 10.0 * math.log10(above / below)
    if high_db < TELEPHONE_HIGH_DB and edge_db < TELEPHONE_EDGE_DB:
        return "telephone"
    return "wideband" if high_db > WIDEBAND_HIGH_DB or edge_db > WIDEBAND_EDGE_DB else ""


def _band(low_hz: int, high_hz: int) -> slice:
    """Of real and imaginary parts."""
    return slice(2 * math.ceil(low_hz * FRAME / RATE), 2 * math.ceil(high_hz * FRAME / RATE))


def _width(band: slice) -> int:
    """Frequencies in it."""
    width: int = (band.stop - band.start) // 2
    return width


_HANN = np.hanning(FRAME).astype(np.float32)
_BANDS = tuple(_band(*edges) for edges in (VOICE, BELOW, ABOVE, HIGH))
