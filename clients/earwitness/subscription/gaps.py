"""Notice which events never arrived, and which arrived twice."""

from __future__ import annotations

from typing import Protocol

import msgspec

from ..notices import Missed, Notice, Restarted


class Numbered(Protocol):
    """The part of an event's header that counts."""

    @property
    def boot(self) -> str:
        """Which start of the daemon."""
        ...

    @property
    def seq(self) -> int:
        """Number among all events of the boot."""
        ...

    @property
    def topic_seq(self) -> int:
        """Number within the topic."""
        ...

    @property
    def replayed(self) -> bool:
        """Sent again because somebody subscribed."""
        ...


class Sighting(msgspec.Struct, frozen=True):
    """What one event means for the subscriber."""

    fresh: bool
    # false: already delivered
    notices: tuple[Notice, ...] = ()


class _Sequence:
    """One counter of the daemon, as far as we have heard it."""

    def __init__(self, last: int | None) -> None:
        self._last = last
        self._replayed: set[int] = set()

    def replay(self, number: int) -> None:
        """A replay is no gap, and what it brings has not been missed."""
        if self._last is not None and number > self._last:
            self._replayed.add(number)

    def live(self, number: int) -> int:
        """Return how many numbers before this one were never heard."""
        missed = 0
        if self._last is not None and number > self._last:
            missed = number - self._last - 1 - sum(heard < number for heard in self._replayed)
        self._last = max(number, self._last or 0)
        self._replayed.clear()
        return missed


class GapTracker:
    """Follow the numbers of one subscription: by `seq` if it is to everything, else by `topic_seq`."""

    def __init__(self, *, complete: bool) -> None:
        self._complete = complete
        self._boot: str | None = None
        self._first: int | None = None  # the number before the first of a counter we have not heard yet
        self._sequences: dict[str | None, _Sequence] = {}
        self._seen: dict[str, int] = {}  # highest topic_seq delivered, a topic

    def on_boot(self, boot: str) -> Restarted | None:
        """Take note of who is speaking; a restart makes all counters begin again."""
        previous = self._boot
        if boot == previous:
            return None
        self._boot = boot
        self._sequences.clear()
        self._seen.clear()
        if previous is None:
            return None
        # We have been listening all along, so the new boot owes us its events from number 1.
        self._first = 0
        return Restarted(boot=boot, previous=previous)

    def on_event(self, topic: str, event: Numbered) -> Sighting:
        """Place one event among those heard before."""
        restarted = self.on_boot(event.boot)
        notices: tuple[Notice, ...] = () if restarted is None else (restarted,)
        if 0 < event.topic_seq <= self._seen.get(topic, 0):
            return Sighting(False, notices)
        self._seen[topic] = max(event.topic_seq, self._seen.get(topic, 0))
        group = None if self._complete else topic
        number = event.seq if self._complete else event.topic_seq
        sequence = self._sequences.setdefault(group, _Sequence(self._first))
        if event.replayed:
            sequence.replay(number)
        elif missed := sequence.live(number):
            notices = (*notices, Missed(topic=group, count=missed))
        return Sighting(True, notices)
