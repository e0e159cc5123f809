"""A subscriber that forgets nothing: every event and every notice, in the order in which they came."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from earwitness.events import AnyEvent, Event
from earwitness.notices import Notice
from earwitness.subscription import subscribe

E = TypeVar("E", bound=Event)
LOOK_S = 0.2


class Witness(threading.Thread):
    """In a thread of its own, so that nothing is missed while a test does something else."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(name="witness", daemon=True)
        self._endpoint = endpoint
        self._over = threading.Event()
        self._came = threading.Condition()
        self._items: list[AnyEvent | Notice] = []

    def __enter__(self) -> Witness:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self.join(10.0)

    def run(self) -> None:
        with subscribe(self._endpoint) as subscription:
            while not self._over.is_set():
                item = subscription.receive(LOOK_S)
                if item is not None:
                    with self._came:
                        self._items.append(item)
                        self._came.notify_all()

    @property
    def items(self) -> list[AnyEvent | Notice]:
        """So far."""
        with self._came:
            return list(self._items)

    @property
    def events(self) -> list[AnyEvent]:
        """Each once, as the daemon numbered them."""
        return [item for item in self.items if isinstance(item, Event) and not item.replayed]

    @property
    def mark(self) -> int:
        """Where we are: `wait_for` looks from there on."""
        with self._came:
            return len(self._items)

    def of(self, kind: type[E], since: int = 0) -> list[E]:
        """Of one kind."""
        return [item for item in self.items[since:] if isinstance(item, kind) and not item.replayed]

    def wait_for(
        self, kind: type[E], accept: Callable[[E], bool], within_s: float, since: int | None = None
    ) -> E:
        """The first that is accepted, of those that come from now on, or since a mark."""
        at = self.mark if since is None else since
        until_s = time.monotonic() + within_s
        while True:
            with self._came:
                new = self._items[at:]
                if not new:
                    left_s = until_s - time.monotonic()
                    assert left_s > 0, f"no {kind.__name__} within {within_s:g} s"
                    self._came.wait(left_s)
                    continue
            for item in new:
                if isinstance(item, kind) and accept(item):
                    return item
            at += len(new)
            assert time.monotonic() < until_s, f"no such {kind.__name__} within {within_s:g} s: {new[-1]}"
