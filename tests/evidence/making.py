"""Verdicts and audio to keep."""

from __future__ import annotations

import numpy as np

from earwitness.events import (
    SpeakerChanged,
    SpeakerLost,
    SpeakerUnknown,
    SpeakerVerified,
    WatchlistHit,
    WatchlistLost,
)
from earwitnessd.capture.messages import RATE, Samples
from earwitnessd.evidence.clip import Clip, Key
from earwitnessd.evidence.record import Record

BOOT = "7459ca99-a612-44b0-b5b8-4441a71fa454"
STREAM_ID = "7459ca99-desk-1"
WINDOW = 3 * RATE


def verified(
    speaker: str = "anna", stop_s: float = 10.0, *, since_s: float | None = None, seq: int = 31
) -> SpeakerVerified:
    stop = round(stop_s * RATE)
    return SpeakerVerified(
        boot=BOOT,
        seq=seq,
        time=f"2026-11-20T18:40:{stop_s:06.3f}Z",
        stream="desk",
        stream_id=STREAM_ID,
        start=stop - WINDOW,
        stop=stop,
        speaker=speaker,
        score=0.9,
        threshold=0.7,
        runner_up=None,
        margin=None,
        evidence_s=2.0,
        since=stop if since_s is None else round(since_s * RATE),
        ttl_s=6.0,
    )


def unknown(stop_s: float = 10.0) -> SpeakerUnknown:
    stop = round(stop_s * RATE)
    return SpeakerUnknown(
        stream="desk",
        stream_id=STREAM_ID,
        start=stop - WINDOW,
        stop=stop,
        nearest="anna",
        score=0.3,
        threshold=0.7,
        evidence_s=2.0,
        ttl_s=6.0,
    )


def changed(stop_s: float = 10.0) -> SpeakerChanged:
    stop = round(stop_s * RATE)
    return SpeakerChanged(
        stream="desk",
        stream_id=STREAM_ID,
        start=stop - WINDOW,
        stop=stop,
        previous="anna",
        speaker="ben",
    )


def lost(stop_s: float = 10.0) -> SpeakerLost:
    stop = round(stop_s * RATE)
    return SpeakerLost(
        stream="desk", stream_id=STREAM_ID, start=0, stop=stop, previous="anna", reason="silence"
    )


def hit(group: str = "banned", stop_s: float = 10.0) -> WatchlistHit:
    stop = round(stop_s * RATE)
    return WatchlistHit(
        boot=BOOT,
        seq=32,
        time=f"2026-11-20T18:40:{stop_s:06.3f}Z",
        stream="desk",
        stream_id=STREAM_ID,
        start=stop - WINDOW,
        stop=stop,
        group=group,
        members=2,
        likeliest="anna",
        score=0.9,
        threshold=0.7,
        evidence_s=2.0,
        since=stop,
        ttl_s=6.0,
    )


def over(group: str = "banned", stop_s: float = 16.0) -> WatchlistLost:
    stop = round(stop_s * RATE)
    return WatchlistLost(
        stream="desk", stream_id=STREAM_ID, start=0, stop=stop, group=group, reason="silence"
    )


def noise(seconds: float, seed: int = 0) -> Samples:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


def clip(event: SpeakerVerified | WatchlistHit, seconds: float = 8.0) -> Clip:
    return Clip(Key.of(event), event.start - WINDOW, noise(seconds, event.seq))


def record(seq: int = 31, seconds: float = 8.0, second: float = 26.448) -> Record:
    event = verified(stop_s=second, seq=seq)
    return Record(event, clip(event, seconds), ())
