"""A ring of the latest samples, addressed by absolute position: one thread writes, any thread reads."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Frames = npt.NDArray[np.float32]


class NotYetError(LookupError):
    """The samples asked for have not been written."""


class OverrunError(LookupError):
    """The samples asked for have been overwritten."""

    def __init__(self, start: int, oldest: int) -> None:
        super().__init__(f"sample {start} is overwritten, the oldest kept is {oldest}")
        self.oldest = oldest


class Ring:
    """Owned by its one writing thread; `read`, `end` and `oldest` may be called from any.

    A writer claims the slots before it copies and publishes them after; a reader looks at the claim again
    after its own copy, so it never returns samples that changed under it.
    """

    def __init__(self, capacity_frames: int, channels: int = 1) -> None:
        if capacity_frames < 1 or channels < 1:
            raise ValueError(
                f"a ring of {capacity_frames} frames x {channels} channels: both must be at least 1"
            )
        self._capacity = capacity_frames
        self._tail = () if channels == 1 else (channels,)
        self._frames = np.zeros((capacity_frames, *self._tail), dtype=np.float32)
        self._claimed = 0
        self.end = 0
        # position after the last frame that can be read

    @property
    def capacity(self) -> int:
        """Frames it holds."""
        return self._capacity

    @property
    def oldest(self) -> int:
        """Position of the first frame that can still be read."""
        return max(0, self._claimed - self._capacity)

    def write(self, frames: Frames) -> int:
        """Append `(n,)` or `(n, channels)` frames; the position of the first."""
        if frames.shape[1:] != self._tail:
            raise ValueError(
                f"frames of shape {frames.shape} written to a ring of shape {self._frames.shape}"
            )
        start = self.end
        stop = start + len(frames)
        self._claimed = stop
        kept = frames[-self._capacity :]
        slot = (stop - len(kept)) % self._capacity
        until_wrap = self._capacity - slot
        self._frames[slot : slot + len(kept)] = kept[:until_wrap]
        if len(kept) > until_wrap:
            self._frames[: len(kept) - until_wrap] = kept[until_wrap:]
        self.end = stop
        return start

    def skip(self, count: int) -> int:
        """Append `count` frames of silence for samples that never came; the position of the first."""
        if count < 0:
            raise ValueError(f"cannot skip {count} frames: positions never go back")
        start = self.end
        stop = start + count
        self._claimed = stop
        kept = min(count, self._capacity)
        slot = (stop - kept) % self._capacity
        self._frames[slot : slot + kept] = 0.0
        self._frames[: max(0, slot + kept - self._capacity)] = 0.0
        self.end = stop
        return start

    def read(self, start: int, count: int) -> Frames:
        """Copy `count` frames from `start`; `NotYetError` or `OverrunError` where they are not there."""
        if start < 0 or not 0 <= count <= self._capacity:
            raise ValueError(f"cannot read {count} frames from {start} of a ring of {self._capacity}")
        if start + count > self.end:
            raise NotYetError(f"frames up to {start + count} asked for, there are {self.end}")
        if start < self.oldest:
            raise OverrunError(start, self.oldest)
        slot = start % self._capacity
        until_wrap = self._capacity - slot
        copy = np.empty((count, *self._tail), dtype=np.float32)
        copy[:until_wrap] = self._frames[slot : slot + count]
        if count > until_wrap:
            copy[until_wrap:] = self._frames[: count - until_wrap]
        if start < self.oldest:
            raise OverrunError(start, self.oldest)
        return copy
