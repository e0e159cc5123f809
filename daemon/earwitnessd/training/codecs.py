"""Round trips of a wave through the codecs of telephones and meetings."""

from __future__ import annotations

import io

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from earwitnessd.training.pool import RATE

CODECS_8K = ("ULAW", "GSM610", "")
# empty: the 8 kHz sampling alone


def through_8k(wave: NDArray[np.float32], codec: str) -> NDArray[np.float32]:
    """A wave, as a telephone delivers it, at 16 kHz again."""
    narrow = _at_speech_level(soxr.resample(wave, RATE, RATE // 2, "LQ"))
    if codec:
        narrow = _round_trip(narrow, RATE // 2, "WAV", codec)
    return np.resize(soxr.resample(narrow, RATE // 2, RATE, "LQ"), len(wave))


def through_opus(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    """A wave after Opus at libsndfile's lowest quality."""
    return np.resize(_round_trip(_at_speech_level(wave), RATE, "OGG", "OPUS"), len(wave))


def _round_trip(wave: NDArray[np.float32], rate: int, container: str, codec: str) -> NDArray[np.float32]:
    packed = io.BytesIO()
    quality = {"compression_level": 1.0} if codec == "OPUS" else {}
    soundfile.write(packed, wave, rate, format=container, subtype=codec, **quality)
    packed.seek(0)
    return np.asarray(soundfile.read(packed, dtype="float32")[0])


def _at_speech_level(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    """Peaks at -3 dB: codecs quantise by absolute level."""
    return np.asarray(wave * (0.7 / max(float(np.abs(wave).max()), 1e-6)), dtype=np.float32)
