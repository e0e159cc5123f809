"""Keeps silence from being sent: an energy gate on blocks that lets pass what speech may lie in or beside."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from earwitnessd.capture.messages import RATE, Audio, Samples, Silent

CHUNK_SAMPLES = 512
FLOOR_MEMORY_CHUNKS = 94
# 3 s, as the daemon's own energy gate: a fan that starts is forgotten after it
MARGIN_DB = 6.0
# above the quietest chunk; the daemon's gates ask for more: what they would call speech is not held back here
QUIETEST_DBFS = -66.0
# a floor is never taken to be lower
HANG_OVER_SAMPLES = RATE
# the end of a word, and the room that the daemon measures noise by

Said = tuple[Audio | Silent, Samples | None]


class Hush:
    """Of one run of blocks; belongs to the capture process. A quiet block waits for the next one."""

    def __init__(self) -> None:
        self._levels_dbfs: deque[float] = deque(maxlen=FLOOR_MEMORY_CHUNKS)
        self._loud_until = 0
        self._held: tuple[Audio, Samples] | None = None

    def push(self, audio: Audio, samples: Samples) -> list[Said]:
        """What to say now: the block before a loud one goes with it, so that no word lacks its beginning."""
        end = audio.position + len(samples)
        if self._is_loud(samples) or audio.unusable:
            self._loud_until = end + HANG_OVER_SAMPLES
        if audio.position < self._loud_until:
            held, self._held = self._held, None
            return [*([held] if held else []), (audio, samples)]
        before = self.flush()
        self._held = (audio, samples)
        return before

    def flush(self) -> list[Said]:
        """What still waits, as silence: nothing will follow it."""
        if self._held is None:
            return []
        (audio, samples), self._held = self._held, None
        return [(silence_of(audio, samples), None)]

    def _is_loud(self, samples: Samples) -> bool:
        levels = _levels_dbfs(samples)
        self._levels_dbfs.extend(levels)
        if len(self._levels_dbfs) < FLOOR_MEMORY_CHUNKS:
            return True  # not known yet how quiet this room is
        floor_dbfs = max(QUIETEST_DBFS, min(self._levels_dbfs))
        return max(levels, default=-math.inf) > floor_dbfs + MARGIN_DB


def silence_of(audio: Audio, samples: Samples) -> Silent:
    """The message that stands for a block."""
    return Silent(
        stream=audio.stream,
        stream_id=audio.stream_id,
        monotonic_ns=audio.monotonic_ns,
        position=audio.position,
        samples=len(samples),
        level_dbfs=round(_level_dbfs(samples), 1),
    )


def _levels_dbfs(samples: Samples) -> list[float]:
    """Of each chunk; a rest counts with the last."""
    parts = np.array_split(samples, max(1, len(samples) // CHUNK_SAMPLES))
    return [_level_dbfs(part) for part in parts if len(part)]


def _level_dbfs(samples: Samples) -> float:
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return 10.0 * math.log10(max(power, 1e-12))
