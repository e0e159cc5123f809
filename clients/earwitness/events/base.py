"""What every event has, and how its topic follows from it."""

from __future__ import annotations

from typing import ClassVar

import msgspec

SCHEMA = 1
RATE = 16_000  # Hz of every position in every event


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """The header. The publisher fills in boot, seq, topic_seq and time."""

    state_group: ClassVar[str | None] = None
    # events of one group and stream replace each other as "last value"; None: never sent again

    v: int = SCHEMA
    boot: str = ""
    # uuid of this start of the daemon
    seq: int = 0
    # counts every event of this boot from 1; who subscribes to everything sees each number once
    topic_seq: int = 0
    # counts the events of this topic from 1; who subscribes to a part sees losses by it
    replayed: bool = False
    # true: a last value, sent again because somebody subscribed
    time: str = ""
    # RFC 3339 UTC; of `stop` where the event has one
    assurance: str = "evidence"
    # never more than that: voice alone must not grant access

    @property
    def type(self) -> str:
        """The event's type, such as "speaker.verified"."""
        tag = self.__struct_config__.tag
        assert isinstance(tag, str)
        return tag

    @property
    def topic(self) -> str:
        """The first frame on the wire: type, then stream and speaker where there are any."""
        parts = (self.type, getattr(self, "stream", None), getattr(self, "speaker", None))
        return ".".join(part for part in parts if part)

    @property
    def state_key(self) -> str | None:
        """The slot of the last-value cache that this event takes; None if it bears no state."""
        if self.state_group is None:
            return None
        return f"{self.state_group}:{getattr(self, 'stream', '')}"


class StreamEvent(Event, frozen=True, kw_only=True):
    """An event about a stretch of one stream's audio."""

    stream: str
    stream_id: str
    # changes when the device is reopened; positions start again at 0
    start: int
    # samples since the stream was opened
    stop: int
    rate: int = RATE
