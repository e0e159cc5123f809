"""Native frames to 16 kHz mono: one channel or their mean, then soxr; positions stay exact over gaps."""

from __future__ import annotations

import numpy as np
import soxr

from earwitnessd.capture.messages import RATE, Samples
from earwitnessd.ring import Frames
from earwitnessd.settings.sources import Channel

LARGEST_SAMPLE = 1_000.0  # full scale is 1.0; what is beyond this is not audio


def to_16k(native_position: int, native_rate: int) -> int:
    """The 16 kHz position nearest to a native one, in integers so that a long run stays exact."""
    return (2 * native_position * RATE + native_rate) // (2 * native_rate)


def to_mono(frames: Frames, channel: Channel) -> Samples:
    """(n, channels) to (n,)."""
    if channel != "mix":
        return np.ascontiguousarray(frames[:, channel])
    if frames.shape[1] == 1:
        return np.ascontiguousarray(frames[:, 0])
    mean: Samples = frames.mean(axis=1, dtype=np.float32)
    return mean


def silence_unusable(frames: Frames) -> tuple[Frames, int]:
    """Zeros for NaN, infinite and absurd samples, and how many there were."""
    usable = np.abs(frames) <= LARGEST_SAMPLE  # False for NaN
    count = frames.size - int(np.count_nonzero(usable))
    return (frames, 0) if count == 0 else (np.where(usable, frames, np.float32(0.0)), count)


class Resampler:
    """A run of frames without gaps goes in by `push`; `flush` ends the run, `start_at` begins the next.

    A run that spans native positions [a, b) yields exactly the 16 kHz positions [to_16k(a), to_16k(b)).
    """

    def __init__(self, native_rate: int) -> None:
        self._rate = native_rate
        self._stream = (
            None if native_rate == RATE else soxr.ResampleStream(native_rate, RATE, 1, dtype="float32")
        )
        self._native_end = 0
        self._position = 0

    @property
    def native_end(self) -> int:
        """Native position after the last frame pushed."""
        return self._native_end

    @property
    def position(self) -> int:
        """16 kHz position of the next sample that will come out."""
        return self._position

    def start_at(self, native_position: int) -> None:
        """Begin a run after a gap; what the last run left behind must have been flushed."""
        assert native_position >= self._native_end
        self._native_end = native_position
        self._position = to_16k(native_position, self._rate)

    def push(self, mono: Samples) -> Samples:
        """The samples that are ready; some milliseconds stay behind until more come."""
        self._native_end += len(mono)
        out = mono if self._stream is None else self._cut(self._stream.resample_chunk(mono))
        self._position += len(out)
        return out

    def flush(self) -> Samples:
        """The samples that stayed behind."""
        owed = to_16k(self._native_end, self._rate) - self._position
        out = np.zeros(owed, dtype=np.float32)
        if self._stream is not None:
            rest = self._stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)[:owed]
            out[: len(rest)] = rest
            self._stream.clear()
        self._position += owed
        return out

    def _cut(self, out: Samples) -> Samples:
        return out[: to_16k(self._native_end, self._rate) - self._position]
