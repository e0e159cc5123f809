"""Between PortAudio's callback and the capture loop: a ring, and the account of what was lost on the way."""

from __future__ import annotations

from earwitnessd.capture.messages import LossReason
from earwitnessd.capture.sample_clock import SampleClock
from earwitnessd.capture.source import Chunk, Health
from earwitnessd.ring import Frames, OverrunError, Ring

KEPT_S = 10.0  # how long the engine may be away before samples are lost
LARGEST_CHUNK_S = 0.25
ROOM_S = 0.5  # left to the callback after an overrun, so that it does not overtake the next read at once
NOTICED_STALL_S = 0.5
NS = 1_000_000_000


class Intake:
    """`on_block` belongs to PortAudio's thread and writes the ring, `_progress` and `_overflows`."""

    def __init__(self, rate: int, channels: int, buffered_s: float) -> None:
        self._rate = rate
        self._channels = channels
        self._ring = Ring(round(KEPT_S * rate), channels)
        self._progress = (0, 0)  # (frames received, monotonic ns), swapped as one
        self._overflows = 0
        self._clock = SampleClock(rate, buffered_s)
        self._overflows_seen = 0
        self._cursor = 0
        self._lost = 0
        self._stalls = 0
        self._arrived_ns = 0

    def on_block(self, frames: Frames, at_ns: int, overflowed: bool) -> None:
        """Copy, bump, return."""
        self._ring.write(frames[:, 0] if self._channels == 1 else frames)
        self._progress = (self._ring.end, at_ns)
        if overflowed:
            self._overflows += 1

    @property
    def received(self) -> int:
        """Frames that came."""
        return self._progress[0]

    @property
    def arrived_ns(self) -> int:
        """When the last block came."""
        return self._progress[1]

    def take(self) -> Chunk | None:
        """At most `LARGEST_CHUNK_S` of what waits in the ring; the position counts what was lost before."""
        received, at_ns = self._progress
        if received == self._cursor:
            return None
        reason = self._note_arrival(received, at_ns)
        while True:
            count = min(received - self._cursor, round(LARGEST_CHUNK_S * self._rate))
            try:
                frames = self._ring.read(self._cursor, count)
            except OverrunError as overrun:
                self._cursor = min(overrun.oldest + round(ROOM_S * self._rate), received)
                reason = "overrun"
                continue
            position = self._cursor + self._lost
            self._cursor += count
            return Chunk(position, frames.reshape(count, self._channels), reason)

    def _note_arrival(self, received: int, at_ns: int) -> LossReason | None:
        if at_ns == self._arrived_ns:
            return None
        if self._arrived_ns and at_ns - self._arrived_ns > NOTICED_STALL_S * NS:
            self._stalls += 1
        self._arrived_ns = at_ns
        if self._overflows > self._overflows_seen:
            self._overflows_seen = self._overflows
            self._clock.flag()
        flagged = self._clock.flagged
        lost = self._clock.on_samples(received + self._lost, at_ns / NS)
        self._lost += lost
        if not lost:
            return None
        return "overflow" if flagged else "clock"

    def health(self, now_ns: int) -> Health:
        """Counters, and how far the samples are behind the clock."""
        return Health(self._overflows, self._stalls, self._clock.lag_s(now_ns / NS))
