"""Native chunks that wait until they are worth a message."""

from __future__ import annotations

import numpy as np

from earwitnessd.capture.cadence import Cadence
from earwitnessd.capture.resample import Resampler, to_16k
from earwitnessd.capture.source import Chunk
from earwitnessd.ring import Frames

PATIENCE_S = 0.2  # a source that falls silent leaves nothing behind for longer
NEVER_S = 3600.0


class Gathering:
    """Of one run of frames without a gap; owned by the capture process's main thread."""

    def __init__(self, native_rate: int, cadence: Cadence) -> None:
        self._rate = native_rate
        self._cadence = cadence
        self._parts: list[Frames] = []
        self._end = 0
        self._began_ns = 0
        self.captured_ns = 0
        # when the last of it came

    @property
    def end(self) -> int:
        """Native position after the last frame that came, handed on or not."""
        return self._end

    def begin_at(self, native_position: int) -> None:
        """After a gap."""
        assert not self._parts
        self._end = native_position

    def add(self, chunk: Chunk, now_ns: int) -> None:
        """It continues what came before."""
        assert chunk.position == self._end
        if not self._parts:
            self._began_ns = now_ns
        self._parts.append(chunk.frames)
        self._end += len(chunk.frames)
        self.captured_ns = now_ns

    def ripe(self, resampler: Resampler, now_ns: int) -> bool:
        """Whether what waits must go: it reaches as far as is due, or the source has fallen silent."""
        if not self._parts:
            return False
        # the resampler keeps about as much to itself as it does now
        kept = to_16k(resampler.native_end, self._rate) - resampler.position
        reached = to_16k(self._end, self._rate) - kept
        return reached >= self._cadence.due(resampler.position) or self.due_in_s(now_ns) <= 0.0

    def worth_waking(self, resampler: Resampler) -> int:
        """How many more native frames make it ripe."""
        kept = to_16k(resampler.native_end, self._rate) - resampler.position
        missing = self._cadence.due(resampler.position) + kept - to_16k(self._end, self._rate)
        return max(1, missing * self._rate // 16_000)

    def due_in_s(self, now_ns: int) -> float:
        """When what waits has waited long enough."""
        if not self._parts:
            return NEVER_S
        return max(0.0, PATIENCE_S - (now_ns - self._began_ns) / 1e9)

    def take(self) -> Frames:
        """All that waits."""
        parts, self._parts = self._parts, []
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._parts)
