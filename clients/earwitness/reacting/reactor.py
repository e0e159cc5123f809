"""The loop of `earwitness on`: events in, one command at a time out."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..events import AnyEvent, Event
from ..notices import Notice
from ..subscription import Subscription
from ..verdicts import Verdicts
from ..words import clean, describe, number, span
from .command import Run
from .settling import Change, Settling
from .waiting import Waiting
from .wish import Wish


class Reactor:
    """Owned by the main thread; `subscription.wake()` must be called when a child process ends."""

    def __init__(
        self,
        subscription: Subscription[AnyEvent | Notice],
        wish: Wish,
        command: list[str],
        *,
        settling: Settling,
        timeout_s: float | None,
        say: Callable[[str], object],
    ) -> None:
        self._subscription = subscription
        self._wish = wish
        self._command = command
        self._settling = settling
        self._timeout_s = timeout_s
        self._say = say
        self._verdicts = Verdicts(of_groups=wish.of_groups)
        self._waiting = Waiting()
        self._run: Run | None = None

    def react(self, *, once: bool = False) -> int | None:
        """Go on until the subscription is stopped; with `once`, return the first run's exit status."""
        try:
            while not self._subscription.stopped:
                status = self._look(time.monotonic(), time.time())
                if once and status is not None:
                    return status
                self._listen()
        finally:
            self._end()
        return None

    def _look(self, now: float, wall: float) -> int | None:
        for turn in self._verdicts.expire(now, wall):
            self._settling.on_turn(turn, now)
        for change in self._settling.due(now):
            if self._wish.wants(change):
                self._waiting.put(change)
        status = None
        if self._run is not None and (status := self._run.look(now)) is not None:
            self._say(_ended(self._run, status, now))
            self._run = None
        if self._run is None and self._waiting:
            self._start(self._waiting.take(), now)
        return status

    def _start(self, change: Change, now: float) -> None:
        self._say(_began(change))
        try:
            self._run = Run(self._command, change, now, self._timeout_s)
        except OSError as error:
            self._say(f"{self._command[0]} could not be started: {error.strerror}")

    def _listen(self) -> None:
        now = time.monotonic()
        dates = (
            self._verdicts.next_expiry(),
            self._settling.next_due(),
            self._run.deadline if self._run else None,
        )
        next_date = min((date for date in dates if date is not None), default=None)
        item = self._subscription.receive(None if next_date is None else max(0.0, next_date - now))
        if item is None:
            return
        now = time.monotonic()
        if (turn := self._verdicts.on_item(item, now, time.time())) is not None:
            self._settling.on_turn(turn, now)
        if not isinstance(item, Event):
            self._say(describe(item).text)

    def _end(self) -> None:
        if self._run is not None:
            self._run.end()
            self._say(f"{self._command[0]} was ended")


def _began(change: Change) -> str:
    counted = f"; {change.passed_over} changes were passed over" if change.passed_over else ""
    return f"{clean(change.stream)}: {describe(change.verdict.event).text}{counted}"


def _ended(run: Run, status: int, now: float) -> str:
    how = f"signal {-status}" if status < 0 else f"exit status {number(status, 'd')}"
    limit = " at its time limit" if run.timed_out else ""
    return f"{clean(run.change.stream)}: the command ended{limit} with {how} after {span(now - run.began)}"
