"""Hands values from one thread to another and wakes the receiver's poller."""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from earwitnessd.wakeup import Wakeup

T = TypeVar("T")


class Mailbox(Generic[T]):
    """One sending thread, one receiving thread. The values are never copied or encoded.

    A pipe wakes, not one of ZeroMQ's sockets: those take a dozen system calls for each value.
    """

    def __init__(self) -> None:
        self._values: deque[T] = deque()
        self._wakeup = Wakeup()
        self._laid = False
        # something lies here that nobody was woken for

    def __len__(self) -> int:
        """How many values wait; any thread may ask."""
        return len(self._values)

    def fileno(self) -> int:
        """The receiving thread polls this."""
        return self._wakeup.read_fd

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
        if self._laid:
            self._laid = False
            self._wakeup.ring()

    def wait(self, timeout_s: float) -> bool:
        """Called by a receiving thread that polls nothing else; whether somebody woke it."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(max(0.0, timeout_s) * 1000.0))

    def drain(self) -> Iterator[T]:
        """Everything handed over so far; called by the receiving thread only."""
        self._wakeup.drain()
        while self._values:
            yield self._values.popleft()

    def close(self) -> None:
        """When neither thread uses it any more."""
        self._wakeup.close()
