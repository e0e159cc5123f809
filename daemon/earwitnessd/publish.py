"""The event socket: stamps, encodes and sends events, and tells newcomers the last values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

import msgspec
import zmq

from earwitness.events import Event, encode
from earwitnessd.history import History, Since

E = TypeVar("E", bound=Event)

MOST_MESSAGES = 500  # subscriptions taken at a time: events go on meanwhile
MORE, LAST = int(zmq.DONTWAIT | zmq.SNDMORE), int(zmq.DONTWAIT)
# plain numbers: zmq's own put together anew for each message, which takes longer than to send it
UNSUBSCRIBED, SUBSCRIBED = b"\0", b"\1"  # first byte of what XPUB receives; others are no subscriptions


class Publisher:
    """Owned by the main thread. A slow subscriber loses events at its high-water mark, nobody else does."""

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        boot: str,
        *,
        replay_events: int = 1000,
        admits: Callable[[zmq.Frame], bool] = lambda _: True,
    ) -> None:
        self.socket = socket
        self.boot = boot
        self.events = 0
        self._history = History(boot, replay_events)
        self._admits = admits
        # whether a message of a subscriber may be taken; it throws out who is not welcome
        self._topic_counts: Counter[str] = Counter()
        self._last_values: dict[str, Event] = {}
        self._subscriptions: set[bytes] = set()

    @property
    def subscriptions(self) -> int:
        """Topics subscribed to at present, each counted once."""
        return len(self._subscriptions)

    def publish(self, event: E) -> E:
        """Number and send an event; the numbered event."""
        topic = event.topic
        self.events += 1
        self._topic_counts[topic] += 1
        stamped = msgspec.structs.replace(
            event,
            boot=self.boot,
            seq=self.events,
            topic_seq=self._topic_counts[topic],
            time=event.time or utc_now(),
        )
        self._send(topic, stamped)
        self._history.add(stamped)
        if key := stamped.state_key:
            self._last_values[key] = stamped
        return stamped

    def on_subscriptions(self) -> None:
        """Answer everybody who has just subscribed with the last values they would have seen."""
        wanted: list[bytes] = []
        for _ in range(MOST_MESSAGES):
            try:
                frame = self.socket.recv(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                break
            message = frame.bytes
            what, prefix = message[:1], message[1:]
            if what == SUBSCRIBED:
                self._subscriptions.add(prefix)
                if self._admits(frame):
                    wanted.append(prefix)
            elif what == UNSUBSCRIBED:
                self._subscriptions.discard(prefix)
            else:
                self._admits(frame)
        if not wanted:
            return
        for event in sorted(self._last_values.values(), key=lambda value: value.seq):
            topic = event.topic
            if topic.encode().startswith(tuple(wanted)):
                self._send(topic, msgspec.structs.replace(event, replayed=True))

    def since(self, boot: str, seq: int, topics: list[str]) -> Since:
        """The state-bearing events after `seq`, as far as they are kept."""
        return self._history.since(boot, seq, topics)

    def _send(self, topic: str, event: Event) -> None:
        self.socket.send(topic.encode(), MORE)
        self.socket.send(encode(event), LAST)


def utc_now() -> str:
    """RFC 3339 with milliseconds."""
    return rfc3339(datetime.now(UTC).timestamp())


def rfc3339(timestamp: float) -> str:
    """A Unix time as text."""
    seconds, millionths = divmod(round(timestamp * 1e6), 1_000_000)
    return f"{_second(seconds)}.{millionths // 1000:03d}Z"


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    """The same to the second, in which many events fall."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
