"""Iterate over the daemon's events."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Generic, Literal, Self, TypeVar, overload

import zmq

from ..endpoints import Keys
from ..events import AnyEvent, ForeignEvent
from ..notices import Notice
from .refill import Message
from .socket import Counts, EventSocket

Item = TypeVar("Item")


def whole_messages(delivery: Message | Notice) -> Message | Notice:
    """Hand on everything, foreign events and raw bodies too."""
    return delivery


def events_only(delivery: Message | Notice) -> AnyEvent | None:
    """Hand on the events that this version knows."""
    if isinstance(delivery, Message) and not isinstance(delivery.event, ForeignEvent):
        return delivery.event
    return None


def events_and_notices(delivery: Message | Notice) -> AnyEvent | Notice | None:
    """Hand on the events that this version knows, and what the subscription says about itself."""
    return events_only(delivery) if isinstance(delivery, Message) else delivery


class Subscription(Generic[Item]):
    """An endless iterator; belongs to the thread that iterates.

    Iteration survives restarts of the daemon. It ends by `close()`, or with TimeoutError after `timeout_s`
    without an item.
    """

    def __init__(
        self,
        socket: EventSocket,
        admit: Callable[[Message | Notice], Item | None],
        *,
        timeout_s: float | None = None,
    ) -> None:
        self._socket = socket
        self._admit = admit
        self._timeout_s = timeout_s
        self._poller = zmq.Poller()
        socket.register(self._poller)
        self._also: set[int] = set()  # file descriptors that wake us besides
        self._waiting = False
        self._stopped = False

    @property
    def endpoint(self) -> str:
        """Where we listen."""
        return self._socket.link.endpoint

    @property
    def connected(self) -> bool:
        """Whether the daemon could be heard when last looked."""
        return bool(self._socket.link.up)

    @property
    def stopped(self) -> bool:
        """Whether `stop()` or `close()` was called."""
        return self._stopped

    @property
    def counts(self) -> Counts:
        """What was received, missed and left out so far."""
        return self._socket.counts

    def receive(self, timeout_s: float | None = None) -> Item | None:
        """Wait for one item; None after `timeout_s`, `wake()` or `stop()`."""
        end = math.inf if timeout_s is None else time.monotonic() + timeout_s
        while not self._stopped:
            now = time.monotonic()
            delivery = self._socket.take(now)
            if delivery is None:
                if now >= end or self._wait(now, end):
                    return None
            elif (item := self._admit(delivery)) is not None:
                return item
        return None

    def also_wake_on(self, file_descriptor: int) -> None:
        """Make `receive` return None when this can be read, for example the keyboard."""
        self._also.add(file_descriptor)
        self._poller.register(file_descriptor, zmq.POLLIN)

    def wake(self) -> None:
        """Make `receive` return None; safe in signal handlers and from other threads."""
        self._socket.ring()

    def stop(self) -> None:
        """End the iteration; safe in signal handlers and from other threads."""
        self._stopped = True
        self._socket.ring()

    def close(self) -> None:
        """End the iteration and free the sockets; also fine in a signal handler of the owning thread."""
        self.stop()
        if not self._waiting:  # else the wait that the handler interrupted does it
            self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        while not self._stopped:
            began = time.monotonic()
            item = self.receive(self._timeout_s)
            if item is not None:
                return item
            if self._timeout_s is not None and time.monotonic() - began >= self._timeout_s:
                raise TimeoutError(f"nothing came from {self.endpoint} for {self._timeout_s:g} s")
        raise StopIteration

    def _wait(self, now: float, end: float) -> bool:
        """Sleep until something can be read; True if somebody woke us for another reason."""
        patience_s = self._socket.patience_s(now)
        wait_s = min(end - now, math.inf if patience_s is None else patience_s)
        self._waiting = True
        try:
            ready = self._poller.poll(None if math.isinf(wait_s) else math.ceil(1000 * wait_s))
        finally:
            self._waiting = False
            if self._stopped:
                self._socket.close()
        if self._stopped:
            return True
        return self._socket.silence_bell() or any(source in self._also for source, _ in ready)


@overload
def subscribe(
    endpoint: str | None = None,
    topics: Iterable[str] = (),
    *,
    keys: Keys | None = None,
    control: str | None = None,
    fill: bool = True,
    notices: Literal[True] = True,
    timeout_s: float | None = None,
) -> Subscription[AnyEvent | Notice]: ...
@overload
def subscribe(
    endpoint: str | None = None,
    topics: Iterable[str] = (),
    *,
    keys: Keys | None = None,
    control: str | None = None,
    fill: bool = True,
    notices: Literal[False],
    timeout_s: float | None = None,
) -> Subscription[AnyEvent]: ...
def subscribe(
    endpoint: str | None = None,
    topics: Iterable[str] = (),
    *,
    keys: Keys | None = None,
    control: str | None = None,
    fill: bool = True,
    notices: bool = True,
    timeout_s: float | None = None,
) -> Subscription[AnyEvent | Notice] | Subscription[AnyEvent]:
    """Listen to the daemon, which need not run yet.

    `topics` are prefixes by whole segments: "speaker", "speaker.verified.desk"; none is everything.
    What was missed is asked for at the `control` endpoint, by default the one beside the events, and comes in
    its place with `replayed` true; `Missed` counts what could not be had. `fill=False` asks for nothing.
    With `notices=False` losses show only in `Subscription.counts`.
    """
    socket = EventSocket(endpoint, topics, keys, control=control, fill=fill)
    if notices:
        return Subscription[AnyEvent | Notice](socket, events_and_notices, timeout_s=timeout_s)
    return Subscription[AnyEvent](socket, events_only, timeout_s=timeout_s)


def subscribe_messages(
    endpoint: str | None = None,
    topics: Iterable[str] = (),
    *,
    keys: Keys | None = None,
    control: str | None = None,
    fill: bool = True,
) -> Subscription[Message | Notice]:
    """Listen as `subscribe` does, but also get topics, raw bodies and unknown types."""
    return Subscription(EventSocket(endpoint, topics, keys, control=control, fill=fill), whole_messages)
