"""A thread beside main with a mailbox each way: at the end it is given a moment, and then left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from earwitnessd.mailbox import Mailbox

Order = TypeVar("Order")
Word = TypeVar("Word")


@dataclass(frozen=True, slots=True)
class Finish:
    """Do what has come, and end."""


class Beside(Generic[Order, Word]):
    """Owned by the main thread."""

    def __init__(
        self,
        made: Callable[[Mailbox[Order | Finish], Mailbox[Word]], threading.Thread],
    ) -> None:
        self._orders: Mailbox[Order | Finish] = Mailbox()
        self._words: Mailbox[Word] = Mailbox()
        self._thread = made(self._orders, self._words)
        self._thread.start()

    def fileno(self) -> int:
        """Readable when the thread has something to say."""
        return self._words.fileno()

    def put(self, order: Order) -> None:
        """Never blocks."""
        self._orders.put(order)

    def said(self) -> Iterator[Word]:
        """What the thread has said since the last time."""
        return self._words.drain()

    def finish(self) -> None:
        """It ends with what has come; `close` waits for that."""
        self._orders.put(Finish())

    def close(self, within_s: float) -> None:
        """Let it finish; one that waits for its disk for longer is left behind."""
        self.finish()
        self._thread.join(within_s)
        if not self.alive:
            self._orders.close()
            self._words.close()

    @property
    def alive(self) -> bool:
        """It runs; after `close`: it is stuck."""
        return self._thread.is_alive()
