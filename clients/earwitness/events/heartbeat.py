"""Once a second: what the daemon is, does and has lost."""

from __future__ import annotations

from typing import Literal

import msgspec

from .base import Event

StreamCondition = Literal["opening", "live", "lost", "paused", "ended"]


class StreamState(msgspec.Struct, frozen=True, kw_only=True):
    """One stream. Counters run since the daemon's start, over all reopenings."""

    stream: str
    stream_id: str
    state: StreamCondition
    device: str
    reason: str
    # why it is not live
    position: int
    # samples received since it was opened
    level_dbfs: float | None
    speaking: bool
    speaker: str | None
    # who is verified at present
    lag_ms: float
    # how far deciding is behind hearing
    zero_run_s: float
    # how long the device has delivered nothing but exact zeros
    opened: int
    # times it was opened
    restarts: int
    # times the capture process was started anew
    kills: int
    # of these, because it hung
    overflows: int
    stalls: int
    gaps: int
    lost_samples: int
    speech_s: float
    windows_scored: int
    windows_silent: int
    # too little speech: not embedded
    windows_inconclusive: int
    # embedded, but decided nothing
    windows_skipped: int
    # whole hops left out because the engine was behind
    bad_messages: int


class EngineState(msgspec.Struct, frozen=True, kw_only=True):
    """The model and how busy it is."""

    model: str
    model_id: str
    device: str
    busy: float
    # fraction of the last second spent embedding
    batch_ms: float
    # the last batch
    batches: int
    windows: int


class SocketState(msgspec.Struct, frozen=True, kw_only=True):
    """What went out, and what came in."""

    events: int
    # published this boot
    subscriptions: int
    # topics currently subscribed to, each counted once
    control_requests: int
    control_errors: int
    refused_clients: int
    # CURVE handshakes with a key that is not on the list


class Heartbeat(Event, frozen=True, kw_only=True, tag="heartbeat"):
    """The daemon's whole state."""

    state_group = "heartbeat"

    uptime_s: float
    status: str
    # one line, the same that systemctl status shows
    engine: EngineState
    streams: list[StreamState]
    sockets: SocketState
    profiles: int
    profiles_other_model: int
    # people enrolled with another model only: they cannot be recognised now
    rss_mb: float
    ttl_s: float = 3.0
