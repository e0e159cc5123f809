"""What waits to be posted, in order, each event once, with a count of what is not there: pure."""

from __future__ import annotations

from collections import deque

import msgspec

MOST = 10_000  # letters that wait; beyond that the oldest go, and are counted
REMEMBERED = 20_000  # numbers of events taken in, to know again what is sent twice


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """The last event that was dealt with."""

    boot: str
    seq: int


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One POST."""

    key: str
    # the same at each attempt, so that the receiver knows it again
    body: bytes
    mark: Mark | None
    # of the event; None: it says what could not be had


class Outbox:
    """Filled from events, emptied by whoever posts."""

    def __init__(self, start: Mark | None, *, most: int = MOST) -> None:
        self._start = start
        # what an earlier run has dealt with
        self._most = most
        self._letters: deque[Letter] = deque()
        self._known: set[tuple[str, int]] = set()
        self._order: deque[tuple[str, int]] = deque()
        self._dropped = 0
        self._told = 0
        self.missed = 0
        # in all, as far as the number is known

    def __len__(self) -> int:
        return len(self._letters) + bool(self._dropped)

    def head(self) -> Letter | None:
        """What is to be posted next."""
        if self._dropped:
            return self._notice(self._dropped, "too many waited", at_most=None)
        return self._letters[0] if self._letters else None

    def done(self) -> None:
        """Posted, or given up."""
        if self._dropped:
            self._dropped = 0
            self._told += 1
        else:
            self._letters.popleft()

    def add(self, boot: str, seq: int, body: bytes) -> None:
        """An event, unless it is here or was dealt with."""
        if (boot, seq) in self._known:
            return
        if self._start is not None and boot == self._start.boot and seq <= self._start.seq:
            return
        self._known.add((boot, seq))
        self._order.append((boot, seq))
        if len(self._order) > REMEMBERED:
            self._known.discard(self._order.popleft())
        self._put(Letter(key=f"{boot}-{seq}", body=body, mark=Mark(boot=boot, seq=seq)))

    def add_missed(self, count: int | None, reason: str, *, at_most: int | None = None) -> None:
        """Events that cannot be had; None: nobody knows how many."""
        self.missed += count or 0
        self._put(self._notice(count, reason, at_most=at_most))
        self._told += 1

    def _put(self, letter: Letter) -> None:
        self._letters.append(letter)
        while len(self._letters) > self._most:
            self._letters.popleft()
            self._dropped += 1
            self.missed += 1

    def _notice(self, count: int | None, reason: str, *, at_most: int | None) -> Letter:
        boot, seq = self._order[-1] if self._order else ("", 0)
        start = self._start or Mark(boot=boot, seq=seq)
        told = {"type": "webhook.missed", "v": 1, "count": count, "at_most": at_most, "reason": reason}
        key = f"missed-{start.boot}-{start.seq}-{boot}-{seq}-{self._told}-{count}"
        return Letter(key=key, body=msgspec.json.encode(told), mark=None)
