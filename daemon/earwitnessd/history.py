"""The latest state-bearing events, encoded, for those who missed some."""

from __future__ import annotations

from collections import deque

import msgspec

from earwitness.events import Event, encode
from earwitness.subscription import TopicFilter

MOST_EVENTS = 500  # in one answer
MOST_BYTES = 1 << 20


class Since(msgspec.Struct, frozen=True, kw_only=True):
    """What `earwitness.control.Replay` is on the wire, its events encoded already."""

    boot: str
    seq: int
    gone_before: int
    complete: bool
    more: bool
    events: list[msgspec.Raw]


class _Kept(msgspec.Struct, frozen=True):
    seq: int
    topic: str
    body: bytes


class History:
    """A ring of at most `most` events of one boot. Pure."""

    def __init__(self, boot: str, most: int) -> None:
        self._boot = boot
        self._kept: deque[_Kept] = deque(maxlen=most)
        self._gone_before = 1
        self._seq = 0

    def add(self, event: Event) -> None:
        """Take note of what was published; keep it if it bears state."""
        self._seq = event.seq
        if event.state_key is None:
            return
        if len(self._kept) == self._kept.maxlen:
            self._gone_before = (self._kept[0].seq if self._kept else event.seq) + 1
        self._kept.append(
            _Kept(event.seq, event.topic, encode(msgspec.structs.replace(event, replayed=True)))
        )

    def since(self, boot: str, seq: int, topics: list[str]) -> Since:
        """What came after `seq`, as far as it is kept and fits one answer; of another boot: all there is."""
        same = boot == self._boot
        after = seq if same else 0
        wanted = TopicFilter.of(topics)
        events: list[msgspec.Raw] = []
        size = 0
        more = False
        for kept in self._kept:
            if kept.seq <= after or not wanted.wants(kept.topic):
                continue
            size += len(kept.body)
            if more := len(events) == MOST_EVENTS or (size > MOST_BYTES and bool(events)):
                break
            events.append(msgspec.Raw(kept.body))
        return Since(
            boot=self._boot,
            seq=self._seq,
            gone_before=self._gone_before,
            complete=same and after + 1 >= self._gone_before,
            more=more,
            events=events,
        )
