"""A thread beside main takes orders, says what became of them, and is not waited for longer than promised."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from earwitnessd.beside import Beside, Finish
from earwitnessd.mailbox import Mailbox
from tests.readable import readable

WITHIN_S = 10.0
Work = Callable[[str], str]


class Worker(threading.Thread):
    """Answers each order until it is told to finish."""

    def __init__(self, inbox: Mailbox[str | Finish], outbox: Mailbox[str], work: Work) -> None:
        super().__init__(daemon=True)
        self._inbox, self._outbox, self._work = inbox, outbox, work

    def run(self) -> None:
        while self._inbox.wait(WITHIN_S):
            for order in self._inbox.drain():
                if isinstance(order, Finish):
                    return
                self._outbox.put(self._work(order))


def begun(work: Work) -> Beside[str, str]:
    return Beside(lambda inbox, outbox: Worker(inbox, outbox, work))


def test_what_was_ordered_before_the_end_is_done() -> None:
    done: list[str] = []

    def work(order: str) -> str:
        done.append(order)
        return order

    beside = begun(work)
    for order in ("one", "two", "three"):
        beside.put(order)
    beside.close(WITHIN_S)
    assert done == ["one", "two", "three"]
    assert not beside.alive


def test_its_words_wake_the_poller() -> None:
    beside = begun(str.upper)
    beside.put("one")
    assert readable(beside, WITHIN_S)
    assert list(beside.said()) == ["ONE"]
    beside.close(WITHIN_S)


def test_one_that_does_not_end_is_left_behind_in_time() -> None:
    free = threading.Event()
    beside = begun(lambda order: str(free.wait(WITHIN_S)))
    beside.put("one")
    began_s = time.monotonic()
    beside.close(0.05)
    assert beside.alive
    assert time.monotonic() - began_s < WITHIN_S / 2
    free.set()
    beside.close(WITHIN_S)
    assert not beside.alive
