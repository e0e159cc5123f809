"""Sleeps until there is something for the engine thread: audio, or a word from another thread."""

from __future__ import annotations

import select
from collections.abc import Iterable
from typing import Protocol

from earwitnessd.capture.inbox import Inbox


class Readable(Protocol):
    """Whoever has something to say makes a descriptor readable."""

    def fileno(self) -> int:
        """It never changes."""


class Waiting:
    """Owned by the engine thread. Capture processes come and go, the others stay."""

    def __init__(self, inboxes: Iterable[Inbox], others: Iterable[Readable]) -> None:
        self._inboxes = list(inboxes)
        self._poll = select.poll()
        for other in others:
            self._poll.register(other.fileno(), select.POLLIN)
        self._watched: set[int] = set()
        self._changes = -1

    def wait(self, timeout_s: float) -> frozenset[int]:
        """So long at most; whose descriptors are readable."""
        changes = sum(inbox.changes for inbox in self._inboxes)
        if changes != self._changes:
            self._changes = changes
            self._watch({fd for inbox in self._inboxes for fd in inbox.filenos()})
        return frozenset([fd for fd, _ in self._poll.poll(timeout_s * 1000.0)])

    def _watch(self, wanted: set[int]) -> None:
        for fd in self._watched - wanted:
            self._poll.unregister(fd)
        for fd in wanted - self._watched:
            self._poll.register(fd, select.POLLIN)
        self._watched = wanted
