"""Says whether the daemon makes progress: engine and capture, or why not. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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
