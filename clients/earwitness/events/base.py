"""What every event has, and how its topic follows from it."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from .units import Hertz, Samples, Timestamp

SCHEMA = 1
RATE = 16_000  # Hz of every position in every event

# What the schema says, decoding does not demand: a subscriber survives a daemon that is newer.
Version = Annotated[int, msgspec.Meta(extra_json_schema={"const": SCHEMA})]
Assurance = Annotated[str, msgspec.Meta(extra_json_schema={"const": "evidence"})]


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What every event has. The publisher fills in boot, seq, topic_seq and time."""

    state_group: ClassVar[str | None] = None
    # events of one group and stream replace each other as "last value"; None: never sent again

    v: Version = SCHEMA
    """version of this contract; skip events of another"""
    boot: str = ""
    """uuid of this start of the daemon; another value: it was restarted, forget what the last one said"""
    seq: int = 0
    """counts all events of this boot, from 1. If you subscribe to everything, a jump is a loss"""
    topic_seq: int = 0
    """counts the events of this topic, from 1. If you subscribe to a part, a jump in a topic is a loss"""
    replayed: bool = False
    """true: sent again, to a newcomer or for `events.since`. If you have seen its `seq`, drop it"""
    time: Timestamp = ""
    """UTC, of the audio at `stop` (of sending, where there is no audio)"""
    assurance: Assurance = "evidence"
    """never more than that: voice alone must not grant access"""

    @property
    def type(self) -> str:
        """The event's type, such as "speaker.verified"."""
        tag = self.__struct_config__.tag
        assert isinstance(tag, str)
        return tag

    @property
    def topic(self) -> str:
        """The first frame on the wire: type, then stream, and speaker or group, where there are any."""
        about = getattr(self, "speaker", None) or getattr(self, "group", None)
        stream = getattr(self, "stream", None)
        place = f"{self.type}.{stream}" if stream else self.type
        return f"{place}.{about}" if about else place

    @property
    def state_key(self) -> str | None:
        """The slot of the last-value cache that this event takes; None if it bears no state."""
        if self.state_group is None:
            return None
        return f"{self.state_group}:{getattr(self, 'stream', '')}"


class StreamEvent(Event, frozen=True, kw_only=True):
    """What every event about a stretch of a stream's audio has."""

    stream: str
    """its name in the settings"""
    stream_id: str
    """one opening of the device; a reopened device has another, and positions begin at 0"""
    start: Samples
    """where the audio begins, counted since the opening, lost samples too"""
    stop: Samples
    """where it ends"""
    rate: Hertz = RATE
    """samples a second of all positions: always 16000"""
