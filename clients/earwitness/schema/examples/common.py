"""What the examples share: one daemon, one stream, one moment."""

from __future__ import annotations

from typing import Any

BOOT = "7459ca99-a612-44b0-b5b8-4441a71fa454"
STREAM, STREAM_ID = "desk", "7459ca99-desk-1"
MODEL = "microsoft/wavlm-base-plus-sv"
MODEL_ID = "wavlm-base-plus-sv@feb593a6"
ENROLMENT = "5f2c8d0e"


def header(seq: int, topic_seq: int = 1, second: float = 26.448) -> dict[str, Any]:
    """Fill in what the publisher fills in."""
    return {
        "boot": BOOT,
        "seq": seq,
        "topic_seq": topic_seq,
        "time": f"2026-11-20T18:40:{second:06.3f}Z",
    }


def audio(start: int, stop: int) -> dict[str, Any]:
    """A stretch of the desk's audio."""
    return {"stream": STREAM, "stream_id": STREAM_ID, "start": start, "stop": stop}
