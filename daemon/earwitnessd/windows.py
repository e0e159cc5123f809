"""Cuts a stream into overlapping windows by absolute position, and knows which are due."""

from __future__ import annotations

from collections import deque

import msgspec

from earwitnessd.capture.messages import Samples


class Window(msgspec.Struct, frozen=True, eq=False):
    """A stretch of one stream's audio, all of it or with holes."""

    stream: str
    stream_id: str
    start: int
    # samples since the stream was opened
    samples: Samples
    gaps: tuple[tuple[int, int], ...]
    # positions (from, to) inside this window that were never heard; zeros stand there

    @property
    def stop(self) -> int:
        """Position after the last sample."""
        return self.start + len(self.samples)


class WindowCursor:
    """Where the next window starts. Positions only: the audio stays in the ring."""

    def __init__(self, length: int, hop: int) -> None:
        assert 0 < hop <= length
        self.length = length
        self.hop = hop
        self._next = 0
        self._gaps: deque[tuple[int, int]] = deque()

    def mark_gap(self, start: int, stop: int) -> None:
        """Remember that this stretch was never heard."""
        self._gaps.append((start, stop))

    def due(self, end: int) -> int:
        """How many whole windows lie before `end` and were not taken."""
        return max(0, (end - self._next - self.length) // self.hop + 1)

    def skip(self, hops: int) -> None:
        """Leave out this many windows."""
        self._next += hops * self.hop

    def take(self) -> tuple[int, tuple[tuple[int, int], ...]]:
        """Start of the next window and the gaps that touch it; moves one hop on."""
        start = self._next
        stop = start + self.length
        self._next += self.hop
        while self._gaps and self._gaps[0][1] <= start:
            self._gaps.popleft()
        touching = tuple((max(a, start), min(b, stop)) for a, b in self._gaps if a < stop and b > start)
        return start, touching

    def backlog(self, end: int) -> int:
        """Samples that have arrived but are not yet the newest part of a taken window."""
        return end - (self._next - self.hop + self.length)
