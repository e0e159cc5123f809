"""Notice which events never arrived, and which arrived twice."""

from __future__ import annotations

from typing import Protocol

import msgspec

from ..notices import Missed, Notice, Restarted

STOPPING = "daemon.stopping"  # the last event of a boot that ends in good order


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
    late: bool = False
    # it was counted as missed before, and is not any more


class _Sequence:
    """One counter of the daemon, as far as we have heard it."""

    def __init__(self, last: int | None) -> None:
        self.last_seq = 0  # of the event with the last number
        self._base = self._last = last
        self._replayed: set[int] = set()

    def replay(self, number: int) -> bool:
        """A replay is no gap, and what it brings has not been missed; true: it was thought so."""
        if self._last is None:
            return False
        if number > self._last:
            self._replayed.add(number)
            return False
        return self._base is not None and number > self._base

    def missing_before(self, number: int) -> int:
        """How many numbers before this one were never heard."""
        if self._last is None or number <= self._last:
            return 0
        return number - self._last - 1 - sum(heard < number for heard in self._replayed)

    def live(self, number: int, seq: int) -> int:
        """Go on to this number; how many before it were never heard."""
        missed = self.missing_before(number)
        if self._base is None:
            self._base = number
        if self._last is None or number >= self._last:
            self._last, self.last_seq = number, seq
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
        self._heard_seq = 0  # highest of this boot
        self._resume_seq: int | None = None  # that, when the connection broke and nothing was heard since
        self._ended = False

    def on_boot(self, boot: str) -> Restarted | None:
        """Take note of who is speaking; a restart makes all counters begin again."""
        previous, ended = self._boot, self._ended
        if boot == previous:
            return None
        self._boot, self._ended = boot, False
        self._sequences.clear()
        self._seen.clear()
        self._heard_seq = 0
        self._resume_seq = None
        if previous is None:
            return None
        # We have been listening all along, so the new boot owes us its events from number 1.
        self._first = 0
        return Restarted(boot=boot, previous=previous, end_heard=ended)

    def on_broken(self) -> None:
        """The connection broke: what is said until it is there again will be missing."""
        if self._resume_seq is None and self._heard_seq:
            self._resume_seq = self._heard_seq

    def lacking(self, topic: str, event: Numbered) -> int | None:
        """The `seq` after which events before this one may be missing; None: there are none.

        For an event of the present boot, before `on_event`.
        """
        group, number = self._place(topic, event)
        sequence = self._sequences.get(group)
        if not self._complete and self._resume_seq is not None and event.seq > self._resume_seq + 1:
            return self._resume_seq
        if sequence is None:
            return 0 if self._first == 0 and number > 1 else None
        return sequence.last_seq if sequence.missing_before(number) > 0 else None

    def on_event(self, topic: str, event: Numbered) -> Sighting:
        """Place one event among those heard before."""
        restarted = self.on_boot(event.boot)
        notices: tuple[Notice, ...] = () if restarted is None else (restarted,)
        self.on_heard(topic, event)
        if 0 < event.topic_seq <= self._seen.get(topic, 0):
            return Sighting(False, notices)
        self._seen[topic] = max(event.topic_seq, self._seen.get(topic, 0))
        group, number = self._place(topic, event)
        sequence = self._sequences.setdefault(group, _Sequence(self._first))
        if event.replayed:
            return Sighting(True, notices, late=sequence.replay(number))
        if missed := sequence.live(number, event.seq):
            notices = (*notices, Missed(topic=group, count=missed))
        return Sighting(True, notices)

    def on_heard(self, topic: str, event: Numbered) -> None:
        """Take note of an event of the present boot that need not be wanted."""
        self._heard_seq = max(self._heard_seq, event.seq)
        self._ended = self._ended or topic == STOPPING
        if not event.replayed:
            self._resume_seq = None

    def _place(self, topic: str, event: Numbered) -> tuple[str | None, int]:
        return (None, event.seq) if self._complete else (topic, event.topic_seq)
