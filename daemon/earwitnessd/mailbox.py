"""Hands values from one thread to another and wakes the receiver's poller."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

import zmq

T = TypeVar("T")
READABLE = int(zmq.POLLIN)  # a plain number: to calculate with an enum takes longer than to ask the socket


def readable(socket: zmq.Socket[bytes]) -> bool:
    """Whether something can be received: asked, not tried, as an exception takes longer than all the rest."""
    return bool(int(socket.getsockopt(zmq.EVENTS)) & READABLE)


class Mailbox(Generic[T]):
    """One sending thread, one receiving thread. The values are never copied or encoded."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], name: str) -> None:
        self._values: deque[T] = deque()
        self.receiver: zmq.Socket[bytes] = context.socket(zmq.PULL)
        # the receiving thread polls this
        self.receiver.bind(f"inproc://{name}")
        self._sender: zmq.Socket[bytes] = context.socket(zmq.PUSH)
        self._sender.connect(f"inproc://{name}")
        self._laid = False
        # something lies here that nobody was woken for

    def put(self, value: T) -> None:
        """Called by the sending thread only; never blocks."""
        self.lay(value)
        self.wake()

    def lay(self, value: T) -> None:
        """The same for one of many: the receiver may sleep on until `wake`."""
        self._values.append(value)
        self._laid = True

    def leave(self, value: T) -> None:
        """The same for one that is no reason to wake anybody: it is found with the next."""
        self._values.append(value)

    def wake(self) -> None:
        """If anything was laid since the last time; called by the sending thread only."""
        if not self._laid:
            return
        self._laid = False
        try:
            self._sender.send(b"", zmq.DONTWAIT)
        except zmq.Again:
            return  # a thousand wake-ups are under way: the receiver will look

    def drain(self) -> Iterator[T]:
        """Everything handed over so far; called by the receiving thread only."""
        while readable(self.receiver):
            self.receiver.recv(zmq.DONTWAIT)
        while self._values:
            yield self._values.popleft()

    def close(self) -> None:
        """When neither thread uses it any more."""
        self._sender.close(linger=0)
        self.receiver.close(linger=0)
