"""Takes out of a replay's events what only tells of this run: where heartbeats fell, and the boot's name."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from earwitness.events import StreamEvent

E = TypeVar("E", bound=StreamEvent)


class Numbering:
    """Numbers the events it is given from 1: in the daemon's own count, heartbeats fall between them."""

    def __init__(self) -> None:
        self._seq = 0

    def of(self, event: E) -> E:
        """The event as it is printed; `boot`, `time` and `latency_ms` stay what they were."""
        self._seq += 1
        stream_id = event.stream_id.replace(event.boot[:8], "replay", 1)
        return msgspec.structs.replace(event, seq=self._seq, stream_id=stream_id)
