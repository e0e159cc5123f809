"""Recorded speech that a way of computing is judged on: pieces of the demonstration's conversation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

_RECORDING = Path(__file__).resolve().parent.parent / "demo" / "conversation.ogg"


def speech_windows(count: int, samples: int) -> npt.NDArray[np.float32]:
    """(count, samples) at 16 kHz, spread over the whole conversation and so over its voices."""
    audio, _ = soundfile.read(_RECORDING, dtype="float32")
    starts = np.linspace(0, len(audio) - samples, count).astype(int)
    return np.stack([audio[start : start + samples] for start in starts])
