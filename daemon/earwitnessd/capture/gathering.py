"""Native chunks that wait until they are worth a message."""

from __future__ import annotations

import numpy as np

from earwitnessd.capture.cadence import Cadence
from earwitnessd.capture.messages import RATE
from earwitnessd.capture.resample import Resampler, to_16k
from earwitnessd.capture.source import Chunk
from earwitnessd.ring import Frames

PATIENCE_S = 0.05  # so much longer than what is waited for: a source that falls silent leaves nothing behind
NEVER_S = 3600.0


class Gathering:
    """Of one run of frames without a gap; owned by the capture process's main thread."""

    def __init__(self, native_rate: int, resampler: Resampler, cadence: Cadence) -> None:
        self._rate = native_rate
        self._resampler = resampler
        self._cadence = cadence
        self.speaking = False
        # somebody speaks, as far as is known
        self._kept: int | None = None
        # 16 kHz samples that the resampler has kept to itself, at the least
        self._parts: list[Frames] = []
        self._end = self._run_start = 0
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
        self._end = self._run_start = native_position

    def add(self, chunk: Chunk, now_ns: int) -> None:
        """It continues what came before."""
        assert chunk.position == self._end
        if not self._parts:
            self._began_ns = now_ns
            self._note_kept()
        self._parts.append(chunk.frames)
        self._end += len(chunk.frames)
        self.captured_ns = now_ns

    def ripe(self, now_ns: int) -> bool:
        """Whether what waits must go: it reaches as far as is due, or the source has fallen silent."""
        return bool(self._parts) and (self._missing() <= 0 or self.due_in_s(now_ns) <= 0.0)

    def worth_waking(self) -> int:
        """How many more native frames make it ripe."""
        return max(1, -(-self._missing() * self._rate // RATE))

    def due_in_s(self, now_ns: int) -> float:
        """When what waits has waited long enough."""
        if not self._parts:
            return NEVER_S
        patience_s = self._cadence.longest(speaking=self.speaking) / RATE + PATIENCE_S
        return max(0.0, patience_s - (now_ns - self._began_ns) / 1e9)

    def take(self) -> Frames:
        """All that waits."""
        parts, self._parts = self._parts, []
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _missing(self) -> int:
        reached = to_16k(self._end, self._rate) - (self._kept or 0)
        return self._cadence.due(self._resampler.position, speaking=self.speaking) - reached

    def _note_kept(self) -> None:
        kept = to_16k(self._resampler.native_end, self._rate) - self._resampler.position
        if self._resampler.native_end > self._run_start:
            self._kept = kept if self._kept is None else min(self._kept, kept)

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._parts)
