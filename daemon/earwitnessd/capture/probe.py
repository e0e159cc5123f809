"""Opens a source for a moment, to see what comes of it."""

from __future__ import annotations

import select
import time

import msgspec
import numpy as np

from earwitnessd.capture.source import AudioSource, SourceEndedError

FIRST_WITHIN_S = 6.0
NS = 1_000_000_000
SILENCE_DBFS = -120.0


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What `python -m earwitnessd.capture --probe SOURCE` prints as JSON."""

    device: str = ""
    rate: int = 0
    # Hz, native
    channels: int = 0
    heard_s: float = 0.0
    level_dbfs: float | None = None
    # mean power of all channels; None: nothing came
    peak_dbfs: float | None = None
    error: str = ""


def probe(source: AudioSource, seconds: float) -> Probe:
    """Call it in a capture process only."""
    try:
        origin = source.open()
        frames = _listen(source, round(seconds * origin.rate))
    except SourceEndedError as error:
        return Probe(error=error.reason)
    found = Probe(device=origin.description, rate=origin.rate, channels=origin.channels)
    if len(frames) == 0:
        return msgspec.structs.replace(found, error="it opened, but not a sample came")
    return msgspec.structs.replace(
        found,
        heard_s=len(frames) / origin.rate,
        level_dbfs=_decibels(float(np.sqrt(np.mean(np.square(frames, dtype=np.float64))))),
        peak_dbfs=_decibels(float(np.abs(frames).max())),
    )


def _listen(source: AudioSource, wanted: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    got: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = []
    deadline_ns = time.monotonic_ns() + round(FIRST_WITHIN_S * NS)
    while sum(map(len, got)) < wanted and (now_ns := time.monotonic_ns()) < deadline_ns:
        descriptor = source.fileno()
        due_s = min(source.due_in_s(now_ns, wanted), 0.25)
        select.select([] if descriptor is None else [descriptor], [], [], due_s)
        try:
            chunk = source.read(time.monotonic_ns())
        except SourceEndedError as error:
            if got and not error.failed:
                break
            raise
        if chunk is not None:
            got.append(chunk.frames)
    return np.concatenate(got) if got else np.zeros((0, 1), np.float32)


def _decibels(amplitude: float) -> float:
    return max(SILENCE_DBFS, 20.0 * float(np.log10(max(amplitude, 1e-9))))
