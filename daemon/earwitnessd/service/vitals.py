"""Puts the heartbeat together from what engine, capture and sockets say of themselves. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from earwitness.events import (
    AuditState,
    EngineState,
    EvidenceState,
    FollowerState,
    FollowingState,
    Heartbeat,
    SocketState,
    StreamCondition,
    StreamState,
)
from earwitness.words import following
from earwitnessd.capture.supervisor import CaptureStatus
from earwitnessd.handover import Pulse, Ready, StreamPulse


@dataclass(frozen=True, slots=True)
class Vitals:
    """Everything that a heartbeat tells."""

    ready: Ready
    pulse: Pulse
    capture: Mapping[str, CaptureStatus]
    sockets: SocketState
    uptime_s: float
    rss_mb: float
    evidence: EvidenceState | None = None
    audit: AuditState | None = None
    following: FollowingState | None = None
    followers: list[FollowerState] = field(default_factory=list)
    suspended_s: float = 0.0


def heartbeat(vitals: Vitals) -> Heartbeat:
    """The event."""
    pulses = {pulse.stream: pulse for pulse in vitals.pulse.streams}
    streams = [
        _stream(name, status, pulses.get(name) or StreamPulse(name, status.stream_id))
        for name, status in vitals.capture.items()
    ]
    return Heartbeat(
        uptime_s=vitals.uptime_s,
        status=status_line(vitals.ready, streams, vitals.pulse, vitals.following),
        engine=EngineState(
            model=vitals.ready.model,
            model_id=vitals.ready.model_id,
            device=vitals.pulse.device or vitals.ready.device,
            busy=vitals.pulse.busy,
            batch_ms=vitals.pulse.batch_ms,
            batches=vitals.pulse.batches,
            windows=vitals.pulse.windows,
            degraded=vitals.pulse.degraded,
            remote=vitals.pulse.remote,
        ),
        streams=streams,
        sockets=vitals.sockets,
        evidence=vitals.evidence,
        audit=vitals.audit,
        following=vitals.following,
        followers=vitals.followers,
        profiles=vitals.pulse.profiles,
        profiles_other_model=vitals.pulse.profiles_other_model,
        profiles_renewing=vitals.pulse.profiles_renewing,
        sessions_unreadable=vitals.pulse.sessions_unreadable,
        rss_mb=vitals.rss_mb,
        suspended_s=vitals.suspended_s,
        profiles_damaged=vitals.ready.profiles_damaged,
    )


def status_line(
    ready: Ready, streams: list[StreamState], pulse: Pulse, follows: FollowingState | None = None
) -> str:
    """One line for systemctl status and the dashboard."""
    said = ", ".join(f"{stream.stream} {_condition(stream)}" for stream in streams[:4])
    more = f", +{len(streams) - 4} more" if len(streams) > 4 else ""
    damaged = f"PROFILES DAMAGED, moved to {ready.profiles_damaged}; " if ready.profiles_damaged else ""
    of_whom = f"; {following(follows)}" if follows else ""
    device = pulse.device or ready.device
    return f"{damaged}{said}{more}; {ready.model} on {device}{_apart(pulse)}{of_whom}"


def _apart(pulse: Pulse) -> str:
    """People that the model in use does not know."""
    renewing, others = pulse.profiles_renewing, pulse.profiles_other_model - pulse.profiles_renewing
    said = f"; {renewing} are being enrolled anew from kept audio" if renewing else ""
    return f"{said}; {others} must enrol again (another model)" if others > 0 else said


def _condition(stream: StreamState) -> str:
    if stream.state != "live":
        return f"{stream.state} ({stream.reason})" if stream.reason else stream.state
    if stream.speaker:
        return f"hears {stream.speaker}"
    return "hears speech" if stream.speaking else "listens"


def _stream(name: str, status: CaptureStatus, pulse: StreamPulse) -> StreamState:
    counters = pulse.counters
    return StreamState(
        stream=name,
        stream_id=pulse.stream_id,
        state=_state(status, pulse),
        device=pulse.device,
        reason="" if pulse.live else status.reason,
        position=pulse.position,
        level_dbfs=pulse.level_dbfs,
        speaking=pulse.speaking and pulse.live,
        speaker=pulse.speaker,
        lag_ms=pulse.lag_s * 1000,
        zero_run_s=pulse.zero_run_s,
        opened=counters.opened,
        restarts=status.restarts,
        kills=status.kills,
        overflows=counters.overflows,
        stalls=counters.stalls,
        gaps=counters.gaps,
        lost_samples=counters.lost_samples,
        speech_s=counters.speech_s,
        windows_scored=counters.windows_scored,
        windows_silent=counters.windows_silent,
        windows_inconclusive=counters.windows_inconclusive,
        windows_skipped=counters.windows_skipped,
        windows_unembedded=counters.windows_unembedded,
        bad_messages=counters.bad_messages,
        unusable_samples=counters.unusable_samples,
        link=status.link,
    )


def _state(status: CaptureStatus, pulse: StreamPulse) -> StreamCondition:
    if status.state in {"paused", "stopped"}:
        return "paused"
    if pulse.live:
        return "live"
    if status.state in {"finished", "failed"}:
        return "ended"
    return "lost" if pulse.counters.opened or status.reason else "opening"
