"""A plausible heartbeat."""

from __future__ import annotations

from ...events import (
    AuditState,
    EngineState,
    EvidenceState,
    FollowingState,
    Heartbeat,
    LinkState,
    RemoteState,
    SocketState,
    StreamState,
)
from .common import MODEL, MODEL_ID, STREAM, STREAM_ID, header

HEARTBEAT = Heartbeat(
    uptime_s=31.0,
    status="desk hears anna",
    engine=EngineState(
        model=MODEL,
        model_id=MODEL_ID,
        device="cpu (1 thread)",
        busy=0.21,
        batch_ms=61.2,
        batches=48,
        windows=48,
        remote=RemoteState(
            windows=46, windows_local=2, failures=1, requests=47, requests_late=1, round_trip_ms=14.2
        ),
    ),
    streams=[
        StreamState(
            stream=STREAM,
            stream_id=STREAM_ID,
            state="live",
            device="USB Audio",
            reason="",
            position=480_000,
            level_dbfs=-31.5,
            speaking=True,
            speaker="anna",
            lag_ms=42.0,
            zero_run_s=0.0,
            opened=1,
            restarts=0,
            kills=0,
            overflows=0,
            stalls=0,
            gaps=1,
            lost_samples=320,
            speech_s=12.4,
            windows_scored=24,
            windows_silent=31,
            windows_inconclusive=2,
            windows_skipped=0,
            bad_messages=0,
            link=LinkState(
                state="up",
                key="desk",
                address="192.168.1.20",
                machine="raspberrypi",
                version="0.1.0",
                round_trip_ms=2.4,
                clock_offset_ms=-14.2,
                drift_ppm=6.1,
                links=1,
            ),
        )
    ],
    sockets=SocketState(events=96, subscriptions=2, control_requests=3, control_errors=0, refused_clients=0),
    evidence=EvidenceState(kept=3),
    audit=AuditState(written=12),
    following=FollowingState(
        writer="desk", endpoint="tcp://10.0.0.5:7802", state="follows", version=41, heard_s=1.2, taken=3
    ),
    profiles=2,
    profiles_other_model=0,
    rss_mb=790.4,
    **header(97, 31),
)
