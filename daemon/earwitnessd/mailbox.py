"""Hands values from one thread to another and wakes the receiver's poller."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

import zmq

T = TypeVar("T")


class Mailbox(Generic[T]):
    """One sending thread, one receiving thread. The values are never copied or encoded."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], name: str) -> None:
        self._values: deque[T] = deque()
        self.receiver: zmq.Socket[bytes] = context.socket(zmq.PULL)
        # the receiving thread polls this
        self.receiver.bind(f"inproc://{name}")
        self._sender: zmq.Socket[bytes] = context.socket(zmq.PUSH)
        self._sender.connect(f"inproc://{name}")

    def put(self, value: T) -> None:
        """Called by the sending thread only; never blocks."""
        self._values.append(value)
        try:
            self._sender.send(b"", zmq.DONTWAIT)
        except zmq.Again:
            return  # a thousand wake-ups are under way: the receiver will look

    def drain(self) -> Iterator[T]:
        """Everything handed over so far; called by the receiving thread only."""
        # asked, not tried: an exception takes longer than all the rest
        while int(self.receiver.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
            self.receiver.recv(zmq.DONTWAIT)
        while self._values:
            yield self._values.popleft()

    def close(self) -> None:
        """When neither thread uses it any more."""
        self._sender.close(linger=0)
        self.receiver.close(linger=0)
