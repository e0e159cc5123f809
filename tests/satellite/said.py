"""Messages of a capture process, as a satellite's backlog and the daemon's checks see them."""

from __future__ import annotations

import numpy as np

from earwitnessd.capture.messages import RATE, Alive, AnyMessage, Audio, Ended, Lost, Opened, Silent, pack

BLOCK = RATE // 4
BLOCK_NS = 250_000_000
START_NS = 5_000_000_000
OPENING = "run-mic-1"

Kept = tuple[AnyMessage, list[bytes]]


def opened(stream_id: str = OPENING, *, paced: bool = True) -> Opened:
    return Opened(
        stream="mic",
        stream_id=stream_id,
        monotonic_ns=START_NS,
        description="a test",
        native_rate=48_000,
        native_channels=2,
        paced=paced,
    )


def audio(number: int, samples: int = BLOCK, stream_id: str = OPENING) -> Audio:
    """The number-th block of a quarter of a second, from 0."""
    return Audio(
        stream="mic",
        stream_id=stream_id,
        monotonic_ns=made_ns(number),
        position=number * BLOCK,
        encoding="s16",
    )


def silent(number: int) -> Silent:
    return Silent(
        stream="mic",
        stream_id=OPENING,
        monotonic_ns=made_ns(number),
        position=number * BLOCK,
        samples=BLOCK,
        level_dbfs=-60.0,
    )


def lost(position: int, samples: int, reason: str = "clock", number: int = 0) -> Lost:
    return Lost(
        stream="mic",
        stream_id=OPENING,
        monotonic_ns=made_ns(number),
        position=position,
        samples=samples,
        reason=reason,  # type: ignore[arg-type]  # tests say what they like
    )


def ended(stream_id: str = OPENING) -> Ended:
    return Ended(
        stream="mic", stream_id=stream_id, monotonic_ns=START_NS, reason="over", final=False, position=0
    )


def alive(overflows: int = 0, number: int = 0) -> Alive:
    return Alive(
        stream="mic",
        stream_id=OPENING,
        monotonic_ns=made_ns(number),
        overflows=overflows,
        stalls=0,
        zero_run_s=0.0,
        clock_lag_ms=0.0,
    )


def made_ns(number: int) -> int:
    """When a block was complete."""
    return START_NS + (number + 1) * BLOCK_NS


def packed(message: AnyMessage, samples: int = BLOCK) -> Kept:
    return message, pack(message, np.zeros(samples, np.float32) if isinstance(message, Audio) else None)
