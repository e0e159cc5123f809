"""Iterate over the daemon's events in asyncio."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable
from types import TracebackType
from typing import Generic, Literal, Self, overload

import zmq.asyncio

from ..endpoints import Keys
from ..events import AnyEvent
from ..notices import Notice
from .refill import Message
from .socket import Counts, EventSocket
from .sync import Item, events_and_notices, events_only


class AsyncSubscription(Generic[Item]):
    """An endless asynchronous iterator; belongs to the task that iterates."""

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
        self._poller = zmq.asyncio.Poller()
        socket.register(self._poller)
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
    def counts(self) -> Counts:
        """What was received, missed and left out so far."""
        return self._socket.counts

    async def receive(self, timeout_s: float | None = None) -> Item | None:
        """Wait for one item; None after `timeout_s` or `close()`."""
        await asyncio.sleep(0)  # a flood of events must not starve the other tasks
        end = math.inf if timeout_s is None else time.monotonic() + timeout_s
        while not self._stopped:
            now = time.monotonic()
            delivery = self._socket.take(now)
            if delivery is None:
                if now >= end:
                    return None
                await self._wait(now, end)
            elif (item := self._admit(delivery)) is not None:
                return item
        return None

    def close(self) -> None:
        """End the iteration and free the sockets."""
        self._stopped = True
        self._socket.ring()
        if not self._waiting:
            self._socket.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> AsyncIterator[Item]:
        return self

    async def __anext__(self) -> Item:
        item = await self.receive(self._timeout_s)
        if item is not None:
            return item
        if self._stopped:
            raise StopAsyncIteration
        raise TimeoutError(f"nothing came from {self.endpoint} for {self._timeout_s or 0:g} s")

    async def _wait(self, now: float, end: float) -> None:
        patience_s = self._socket.patience_s(now)
        wait_s = min(end - now, math.inf if patience_s is None else patience_s)
        self._waiting = True
        try:
            # 0 would not give way to other tasks
            await self._poller.poll(-1 if math.isinf(wait_s) else max(1, math.ceil(1000 * wait_s)))
        finally:
            self._waiting = False
            if self._stopped:
                self._socket.close()


@overload
def asubscribe(
    endpoint: str | None = None,
    topics: Iterable[str] = (),
    *,
    keys: Keys | None = None,
    control: str | None = None,
    fill: bool = True,
    notices: Literal[True] = True,
    timeout_s: float | None = None,
) -> AsyncSubscription[AnyEvent | Notice]: ...
@overload
def asubscribe(
    endpoint: str | None = None,
    topics: Iterable[str] = (),
    *,
    keys: Keys | None = None,
    control: str | None = None,
    fill: bool = True,
    notices: Literal[False],
    timeout_s: float | None = None,
) -> AsyncSubscription[AnyEvent]: ...
def asubscribe(
    endpoint: str | None = None,
    topics: Iterable[str] = (),
    *,
    keys: Keys | None = None,
    control: str | None = None,
    fill: bool = True,
    notices: bool = True,
    timeout_s: float | None = None,
) -> AsyncSubscription[AnyEvent | Notice] | AsyncSubscription[AnyEvent]:
    """Do what `subscribe` does, for `async for`."""
    socket = EventSocket(endpoint, topics, keys, control=control, fill=fill)
    if notices:
        return AsyncSubscription[AnyEvent | Notice](socket, events_and_notices, timeout_s=timeout_s)
    return AsyncSubscription[AnyEvent](socket, events_only, timeout_s=timeout_s)
