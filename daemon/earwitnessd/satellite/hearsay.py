"""What a satellite says of its source, checked, and told as a capture process here would tell it. Pure."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from earwitnessd.capture.words import (
    RATE,
    Alive,
    AnyMessage,
    Audio,
    Ended,
    Lost,
    Opened,
    Silent,
)

NS = 1_000_000_000
LONGEST_BLOCK = 4 * RATE
# samples of one message
OLDEST_S = 900.0
# more than a satellite may keep while it is cut off
LONGEST_ID = 100
# characters
EARLY_S = 1.0
# by how much clocks may differ beyond what the link has shown
AHEAD_S = 5.0
# a source may come this much faster than its clock, at its start and after a stall
FASTEST = 1.02
# and this much faster for good: cheap sound cards, and writers into a pipe


class LieError(Exception):
    """A message that cannot be true; says why."""


class Hearsay:
    """Of one stream. Positions begin at 0 with what comes first, whatever the satellite heard before."""

    def __init__(self, stream: str, new_stream_id: Callable[[], str]) -> None:
        self.stream_id = ""
        # of the present opening, as everybody here knows it
        self.is_open = False
        self._stream = stream
        self._new_stream_id = new_stream_id
        self._said_opened: Opened | None = None
        # what the satellite said last of how its source was opened
        self._expected: int | None = None
        # position, by the satellite's count, of what comes next; None: whatever comes is the first
        self._base = 0
        # by the satellite's count, of our position 0
        self._began_ns = 0
        self._counted: Alive | None = None
        # what its counters were when our opening began

    @property
    def position(self) -> int:
        """Ours, after the last sample."""
        return 0 if self._expected is None else self._expected - self._base

    def take(self, message: AnyMessage, size: int, captured_ns: int, now_ns: int) -> list[AnyMessage]:
        """The same for the engine, perhaps with an opening before it; `size`: bytes of samples that came.

        `captured_ns` is when the satellite says it was made, by our clock.
        """
        captured_ns = self._checked_time(captured_ns, now_ns)
        if isinstance(message, Opened):
            return self._on_opened(message, captured_ns)
        known = self._said_opened
        ours = known is not None and message.stream_id == known.stream_id
        if isinstance(message, Alive):  # it does not wait behind audio, and so may come before what opened it
            return self._on_alive(message, captured_ns) if ours else []
        if not ours:
            raise LieError(f"{type(message).__name__} of {message.stream_id!r}, which was never opened")
        match message:
            case Audio() | Silent():
                samples = _samples_of(message, size)
                return self._on_samples(message, message.position, samples, captured_ns)
            case Lost():
                return self._on_lost(message, captured_ns)
            case Ended():
                self._said_opened = None
                return self.end(message.reason, message.final, captured_ns)

    def end(self, reason: str, final: bool, now_ns: int) -> list[AnyMessage]:
        """Nothing more comes under this stream_id; what comes after begins another."""
        if not self.is_open:
            return []
        ended = Ended(
            stream=self._stream,
            stream_id=self.stream_id,
            monotonic_ns=now_ns,
            reason=reason,
            final=final,
            position=self.position,
        )
        self.is_open = False
        self._expected = None
        return [ended]

    def forget(self) -> None:
        """Another satellite, or another run of the same."""
        self._said_opened = None

    def _checked_time(self, captured_ns: int, now_ns: int) -> int:
        ahead_s = (captured_ns - now_ns) / NS
        if ahead_s > EARLY_S:
            raise LieError(f"a message from {ahead_s:.1f} s in the future")
        if ahead_s < -OLDEST_S:
            raise LieError(f"a message that is {-ahead_s:.0f} s old: at most {OLDEST_S:.0f} may be kept")
        return min(captured_ns, now_ns)

    def _on_opened(self, message: Opened, captured_ns: int) -> list[AnyMessage]:
        if not message.paced:
            raise LieError("a source that does not come in real time")
        if not 0 < message.native_rate <= 1_000_000 or not 0 < message.native_channels <= 1024:
            raise LieError(f"{message.native_channels} channels at {message.native_rate} Hz")
        ended = self.end("the satellite opened its source anew", False, captured_ns)
        self._said_opened = message
        return ended

    def _on_samples(
        self, message: Audio | Silent, position: int, samples: int, captured_ns: int
    ) -> list[AnyMessage]:
        opening = self._opening(position, captured_ns - samples * NS // RATE)
        self._advance(position, samples, captured_ns)
        said = msgspec.structs.replace(
            message,
            stream=self._stream,
            stream_id=self.stream_id,
            monotonic_ns=captured_ns,
            position=position - self._base,
        )
        return [*opening, said]

    def _on_lost(self, message: Lost, captured_ns: int) -> list[AnyMessage]:
        position, stop = message.position, message.position + message.samples
        if message.samples <= 0:
            raise LieError(f"a loss of {message.samples} samples")
        if message.reason == "link" and self._expected is not None and position < self._expected:
            if stop <= self._expected:
                return []  # that had come before the satellite gave it up
            position = self._expected
        opening = self._opening(position, captured_ns - (stop - position) * NS // RATE)
        self._advance(position, stop - position, captured_ns)
        lost = Lost(
            stream=self._stream,
            stream_id=self.stream_id,
            monotonic_ns=captured_ns,
            position=position - self._base,
            samples=stop - position,
            reason=message.reason,
        )
        return [*opening, lost]

    def _on_alive(self, message: Alive, captured_ns: int) -> list[AnyMessage]:
        if not self.is_open:
            return []
        base = self._counted = self._counted or message
        said = Alive(
            stream=self._stream,
            stream_id=self.stream_id,
            monotonic_ns=captured_ns,
            overflows=max(0, message.overflows - base.overflows),
            stalls=max(0, message.stalls - base.stalls),
            zero_run_s=message.zero_run_s,
            clock_lag_ms=message.clock_lag_ms,
            unusable_samples=max(0, message.unusable_samples - base.unusable_samples),
        )
        return [said]

    def _opening(self, position: int, began_ns: int) -> list[AnyMessage]:
        """What to say first, where this is the first of an opening."""
        if self.is_open:
            return []
        assert self._said_opened is not None
        if position < 0:
            raise LieError(f"position {position}")
        self.stream_id = self._new_stream_id()
        self.is_open = True
        self._base = self._expected = position
        self._began_ns = began_ns
        self._counted = None
        if position == 0:
            self._counted = Alive(
                stream="",
                stream_id="",
                monotonic_ns=0,
                overflows=0,
                stalls=0,
                zero_run_s=0.0,
                clock_lag_ms=0.0,
            )
        opened = msgspec.structs.replace(
            self._said_opened,
            stream=self._stream,
            stream_id=self.stream_id,
            monotonic_ns=began_ns,
            source_id=self._said_opened.stream_id[:LONGEST_ID],
            source_position=position,
        )
        return [opened]

    def _advance(self, position: int, samples: int, captured_ns: int) -> None:
        assert self._expected is not None
        if position != self._expected:
            raise LieError(f"position {position} where {self._expected} was due")
        stop = position + samples
        passed_s = (captured_ns - self._began_ns) / NS
        if (stop - self._base) / RATE > max(0.0, passed_s) * FASTEST + AHEAD_S:
            raise LieError(f"{(stop - self._base) / RATE:.1f} s of audio within {passed_s:.1f} s")
        self._expected = stop


def _samples_of(message: Audio | Silent, size: int) -> int:
    if isinstance(message, Silent):
        samples, whole = message.samples, size == 0
    else:
        width = 4 if message.encoding == "f32" else 2
        samples, whole = size // width, size % width == 0
    if not whole or not 0 < samples <= LONGEST_BLOCK:
        raise LieError(
            f"a block of {samples} samples in {size} bytes: at most {LONGEST_BLOCK} may come at once"
        )
    return samples
