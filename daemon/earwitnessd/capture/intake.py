"""Between PortAudio's callback and the capture loop: a ring, and the account of what was lost on the way."""

from __future__ import annotations

from collections import deque

from earwitnessd.capture.messages import LossReason
from earwitnessd.capture.sample_clock import SampleClock
from earwitnessd.capture.source import Chunk, Health
from earwitnessd.ring import Frames, OverrunError, Ring

KEPT_S = 10.0  # how long the engine may be away before samples are lost
LARGEST_CHUNK_S = 0.25
ROOM_S = 0.5  # left to the callback after an overrun, so that it does not overtake the next read at once
NOTICED_STALL_S = 0.5
MOST_BLOCKS = 4096  # whose arrival is remembered until they are taken: more than fit into the ring
NS = 1_000_000_000

Block = tuple[int, int, int]
# frames received up to its end, when it came in monotonic ns, overflows up to then


class Intake:
    """`on_block` belongs to PortAudio's thread: it writes ring, `_blocks`, `_progress` and `_overflows`."""

    def __init__(self, rate: int, channels: int, buffered_s: float) -> None:
        self._rate = rate
        self._channels = channels
        self._ring = Ring(round(KEPT_S * rate), channels)
        self._blocks: deque[Block] = deque(maxlen=MOST_BLOCKS)
        self._progress = (0, 0)  # (frames received, monotonic ns), swapped as one
        self._overflows = 0
        self._clock = SampleClock(rate, buffered_s)
        self._overflows_seen = 0
        self._cursor = 0
        # frames taken
        self._noted = 0
        # frames whose arrival the clock has seen, and that may be taken
        self._behind_loss: tuple[int, int, LossReason] | None = None
        # frames up to the end of the block that showed a loss before it, how many are lost, and why
        self._reason: LossReason | None = None
        # why what is taken next does not continue what was taken before
        self._lost = 0
        self._stalls = 0
        self._arrived_ns = 0

    def on_block(self, frames: Frames, at_ns: int, overflowed: bool) -> None:
        """Copy, bump, return."""
        self._ring.write(frames[:, 0] if self._channels == 1 else frames)
        if overflowed:
            self._overflows += 1
        self._blocks.append((self._ring.end, at_ns, self._overflows))
        self._progress = (self._ring.end, at_ns)

    @property
    def waiting(self) -> int:
        """Frames that came and were not taken; any thread may ask."""
        return self._progress[0] - self._cursor

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
        while True:
            self._note_blocks()
            count = min(self._noted - self._cursor, self._largest)
            if count <= 0:
                return None
            try:
                frames = self._ring.read(self._cursor, count)
            except OverrunError as overrun:
                self._cursor = min(overrun.oldest + round(ROOM_S * self._rate), self.received)
                self._reason = "overrun"
                continue
            position = self._cursor + self._lost
            reason, self._reason = self._reason, None
            self._cursor += count
            return Chunk(position, frames.reshape(count, self._channels), reason)

    @property
    def _largest(self) -> int:
        return round(LARGEST_CHUNK_S * self._rate)

    def _note_blocks(self) -> None:
        """Show the clock each block as it came, up to a loss: what lies before that is taken first."""
        if self._behind_loss:
            end, lost, reason = self._behind_loss
            self._pass_loss(lost, reason)
            self._noted, self._behind_loss = end, None
        while self._blocks and self._noted - self._cursor < self._largest:
            block = self._blocks.popleft()
            lost, reason = self._note_arrival(*block)
            if lost and self._noted > self._cursor:
                self._behind_loss = (block[0], lost, reason)
                return
            if lost:
                self._pass_loss(lost, reason)
            self._noted = block[0]

    def _pass_loss(self, lost: int, reason: LossReason) -> None:
        self._lost += lost
        self._reason = self._reason or reason

    def _note_arrival(self, received: int, at_ns: int, overflows: int) -> tuple[int, LossReason]:
        """How many more frames are lost, and why if any are."""
        if self._arrived_ns and at_ns - self._arrived_ns > NOTICED_STALL_S * NS:
            self._stalls += 1
        self._arrived_ns = at_ns
        if overflows > self._overflows_seen:
            self._overflows_seen = overflows
            self._clock.flag()
        flagged = self._clock.flagged
        lost = self._clock.on_samples(received + self._lost, at_ns / NS)
        return lost, "overflow" if flagged else "clock"

    def health(self, now_ns: int) -> Health:
        """Counters, and how far the samples are behind the clock."""
        return Health(self._overflows, self._stalls, self._clock.lag_s(now_ns / NS))
