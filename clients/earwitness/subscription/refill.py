"""Decides what to ask for after a gap, and puts the answers in between what was heard."""

from __future__ import annotations

from collections import deque

import msgspec

from ..events import AnyEvent, ForeignEvent


class Message(msgspec.Struct, frozen=True):
    """One event as it came over the wire."""

    topic: str
    body: bytes
    event: AnyEvent | ForeignEvent


class Question(msgspec.Struct, frozen=True):
    """What came after this?"""

    boot: str
    seq: int


class Refill:
    """Pure. What was answered waits here until an event with a higher number has been heard."""

    def __init__(self) -> None:
        self._boot = ""
        self._asked_to = 0  # no event up to here needs to be asked for again
        self._stock: deque[Message] = deque()

    def question(self, boot: str, since: int | None, before: int) -> Question | None:
        """What to ask when something between `since` and `before` may be missing; None: nothing new."""
        if boot != self._boot:
            self._boot, self._asked_to = boot, 0
            self._stock.clear()
        if since is None or before - 1 <= max(since, self._asked_to):
            return None
        return Question(boot, max(since, self._asked_to))

    def on_answer(self, boot: str, newest: int, events: list[Message]) -> None:
        """Keep what the daemon told; `newest` is the last number of which it can have told."""
        if boot != self._boot:
            return
        self._asked_to = max(self._asked_to, newest)
        known = {kept.event.seq for kept in self._stock}
        more = [message for message in events if message.event.seq not in known]
        self._stock = deque(sorted([*self._stock, *more], key=lambda message: message.event.seq))

    def give_up(self, before: int) -> None:
        """Nobody answers: what is missing so far stays so."""
        self._asked_to = max(self._asked_to, before - 1)

    def before(self, boot: str, seq: int) -> list[Message]:
        """Take out what belongs before this event."""
        ready: list[Message] = []
        while self._stock and self._stock[0].event.seq <= seq:
            message = self._stock.popleft()
            if boot == self._boot and message.event.seq < seq:
                ready.append(message)
        return ready
