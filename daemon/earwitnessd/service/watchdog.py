"""Says whether the daemon makes progress: engine and capture, or why not. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from earwitnessd.handover import Pulse

STUCK_S = 10.0  # without progress, before the watchdog is left to bite
MOST_BACKLOG_S = 25.0


def patience_s(watchdog_s: float | None) -> float:
    """A third of what the service manager allows, so that it bites within 4/3 of that; 10 s at most."""
    return STUCK_S if watchdog_s is None else min(STUCK_S, watchdog_s / 3)


@dataclass(frozen=True, slots=True)
class StreamProgress:
    """One stream, as far as the watchdog is concerned."""

    stream: str
    live: bool
    # a stream that is being reopened, paused or over is legitimately idle
    silent_s: float
    # since its capture process said anything
    backlog_s: float
    # audio that waits to be decided on


def why_stuck(pulse: Pulse, now_ns: int, limit_s: float) -> str | None:
    """What the engine's last pulse says by now."""
    streams = [
        StreamProgress(
            stream=stream.stream,
            live=stream.live and stream.paced,
            silent_s=(now_ns - stream.last_message_ns) / 1e9,
            backlog_s=stream.lag_s,
        )
        for stream in pulse.streams
    ]
    return stuck((now_ns - pulse.at_ns) / 1e9, streams, limit_s, MOST_BACKLOG_S)


def stuck(
    engine_silent_s: float, streams: Sequence[StreamProgress], limit_s: float, most_backlog_s: float
) -> str | None:
    """Why the service should be restarted; None while it makes progress."""
    if engine_silent_s > limit_s:
        return f"the engine has not turned for {engine_silent_s:.1f} s"
    for stream in streams:
        if stream.live and stream.silent_s > limit_s:
            return f"stream {stream.stream} is live, but nothing came from it for {stream.silent_s:.1f} s"
        if stream.live and stream.backlog_s > most_backlog_s:
            return f"stream {stream.stream} is {stream.backlog_s:.1f} s behind"
    return None
