"""Plausible events, with only what a test cares about to be named."""

from __future__ import annotations

from earwitness.events import (
    EngineState,
    GroupLost,
    GroupVerified,
    Heartbeat,
    Latency,
    ProfileScore,
    SocketState,
    SpeakerLost,
    SpeakerUnknown,
    SpeakerVerified,
    StreamCondition,
    StreamState,
    WatchlistHit,
    WatchlistLost,
    WindowScored,
)

HOP = 8_000  # samples
WINDOW = 48_000


def stream_state(
    stream: str = "desk",
    *,
    state: StreamCondition = "live",
    device: str = "USB Audio",
    reason: str = "",
    position: int = 0,
    level_dbfs: float | None = -31.0,
    speaking: bool = False,
    speaker: str | None = None,
    lag_ms: float = 40.0,
    lost_samples: int = 0,
    gaps: int = 0,
    overflows: int = 0,
    windows_skipped: int = 0,
    restarts: int = 0,
) -> StreamState:
    return StreamState(
        stream=stream,
        stream_id=f"{stream}-1",
        state=state,
        device=device,
        reason=reason,
        position=position,
        level_dbfs=level_dbfs,
        speaking=speaking,
        speaker=speaker,
        lag_ms=lag_ms,
        zero_run_s=0.0,
        opened=1,
        restarts=restarts,
        kills=0,
        overflows=overflows,
        stalls=0,
        gaps=gaps,
        lost_samples=lost_samples,
        speech_s=12.0,
        windows_scored=24,
        windows_silent=10,
        windows_inconclusive=2,
        windows_skipped=windows_skipped,
        bad_messages=0,
    )


def heartbeat(
    streams: list[StreamState] | None = None,
    *,
    uptime_s: float = 60.0,
    model: str = "microsoft/wavlm-base-plus-sv",
    device: str = "cpu (1 thread)",
    profiles: int = 2,
    status: str = "listening",
) -> Heartbeat:
    return Heartbeat(
        uptime_s=uptime_s,
        status=status,
        engine=EngineState(
            model=model,
            model_id="wavlm-3f2a",
            device=device,
            busy=0.21,
            batch_ms=61.0,
            batches=120,
            windows=120,
        ),
        streams=[stream_state()] if streams is None else streams,
        sockets=SocketState(
            events=300, subscriptions=1, control_requests=2, control_errors=0, refused_clients=0
        ),
        profiles=profiles,
        profiles_other_model=0,
        rss_mb=790.0,
    )


def window(
    position: int,
    scores: dict[str, float] | None = None,
    *,
    stream: str = "desk",
    level_dbfs: float = -23.0,
    inconclusive: list[str] | None = None,
    embed_ms: float = 61.0,
    evidence: dict[str, float] | None = None,
    accept: float = 4.5,
    reject: float = -2.5,
    doubts: list[str] | None = None,
) -> WindowScored:
    """Without `evidence` as of a daemon that decides by cosine."""
    ranked = sorted((scores or {}).items(), key=lambda pair: -pair[1])
    bounds = {"accept": accept, "reject": reject} if evidence else {}
    heard = evidence or {}
    return WindowScored(
        stream=stream,
        stream_id=f"{stream}-1",
        start=max(0, position - WINDOW),
        stop=position,
        speech_s=2.2 if scores else 0.1,
        level_dbfs=level_dbfs,
        peak_dbfs=level_dbfs + 11.0,
        snr_db=24.0,
        clipped=0.0,
        inconclusive=inconclusive or [],
        doubts=doubts or [],
        scores=[
            ProfileScore(speaker=name, cosine=cosine, evidence=heard.get(name), **bounds)
            for name, cosine in ranked
        ],
        latency_ms=Latency(capture=12.0, queue=4.0, embed=embed_ms, decide=0.6, total=embed_ms + 16.6),
    )


def verified(
    speaker: str = "anna",
    position: int = WINDOW,
    *,
    stream: str = "desk",
    score: float = 0.78,
    margin: float | None = 0.21,
    evidence_s: float = 6.5,
    ttl_s: float = 60.0,
    groups: tuple[str, ...] = (),
    doubts: tuple[str, ...] = (),
) -> SpeakerVerified:
    return SpeakerVerified(
        stream=stream,
        stream_id=f"{stream}-1",
        start=position - WINDOW,
        stop=position,
        speaker=speaker,
        score=score,
        threshold=0.62,
        groups=list(groups),
        doubts=list(doubts),
        runner_up=None if margin is None else "bert",
        margin=margin,
        evidence_s=evidence_s,
        since=max(0, position - WINDOW),
        ttl_s=ttl_s,
    )


def group_verified(
    group: str = "family", *, stream: str = "desk", ttl_s: float = 60.0, watchlist: bool = False
) -> GroupVerified | WatchlistHit:
    kind = WatchlistHit if watchlist else GroupVerified
    return kind(
        stream=stream,
        stream_id=f"{stream}-1",
        start=0,
        stop=WINDOW,
        group=group,
        members=2,
        likeliest="anna",
        score=0.8,
        threshold=0.62,
        posterior=0.97,
        llr=3.1,
        llr_bound=1.9,
        evidence_s=3.0,
        since=WINDOW,
        ttl_s=ttl_s,
    )


def group_lost(
    group: str = "family", reason: str = "silence", *, stream: str = "desk", watchlist: bool = False
) -> GroupLost | WatchlistLost:
    kind = WatchlistLost if watchlist else GroupLost
    return kind(stream=stream, stream_id=f"{stream}-1", start=0, stop=WINDOW, group=group, reason=reason)


def unknown(
    position: int = WINDOW,
    *,
    stream: str = "desk",
    nearest: str | None = "bert",
    score: float | None = 0.41,
    ttl_s: float = 60.0,
) -> SpeakerUnknown:
    return SpeakerUnknown(
        stream=stream,
        stream_id=f"{stream}-1",
        start=position - WINDOW,
        stop=position,
        nearest=nearest,
        score=score,
        threshold=0.62,
        evidence_s=3.0,
        ttl_s=ttl_s,
    )


def lost(
    previous: str | None = "anna", reason: str = "silence", *, stream: str = "desk", position: int = WINDOW
) -> SpeakerLost:
    return SpeakerLost(
        stream=stream,
        stream_id=f"{stream}-1",
        start=position - WINDOW,
        stop=position,
        previous=previous,
        reason=reason,
    )
