"""Something that was lost is opened again, in a thread of its own, ever less often until it is back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from earwitnessd.engines.errors import EmbedError

log = logging.getLogger(__name__)

# torch says RuntimeError of what a device does; running out of memory and CUDA errors are such ones
TROUBLE = (RuntimeError, EmbedError)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pauses:
    """Between attempts."""

    first_s: float
    # between a loss and the first attempt to come back; then twice as long each time
    longest_s: float
    steady_s: float
    # after so long without a loss the pauses begin anew


def in_a_thread(attempt: Callable[[], None]) -> None:
    """Opening takes seconds, in which windows must not wait."""
    threading.Thread(target=attempt, name="engine-return", daemon=True).start()


class Returning(Generic[T]):
    """Belongs to the engine thread; a thread of its own opens what was lost, and hands it over."""

    def __init__(
        self,
        what: str,
        open_again: Callable[[], T],
        pauses: Pauses,
        let_go: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        start: Callable[[Callable[[], None]], None] = in_a_thread,
    ) -> None:
        self.lost = self.last_loss = ""
        self.away_s = 0.0
        # how long it was, when it was last lost
        self._what = what
        # "the accelerator", for people
        self._open = open_again
        self._pauses = pauses
        self._let_go = let_go
        self._clock = clock
        self._start = start
        self._opened: T | None = None
        # set by the opening thread as a whole, taken by ours
        self._refused = ""
        self._opening = False
        # set last by the opening thread: only then is the other one's result complete
        self._pause_s = pauses.first_s
        self._lost_at_s = self._attempt_at_s = 0.0
        self._returned_at_s = clock()

    def lose(self, why: str, usual: str, instead: str) -> None:
        """It failed; the names are for people."""
        now_s = self._clock()
        if now_s - self._returned_at_s >= self._pauses.steady_s:
            self._pause_s = self._pauses.first_s
        log.error(
            "%s is lost: %s. %s computes instead; the next attempt in %.0f s",
            usual,
            why,
            instead,
            self._pause_s,
        )
        self._let_go()
        self.lost = self.last_loss = why
        self._lost_at_s = now_s
        self._wait_again(now_s)

    def back(self) -> T | None:
        """What has been opened again, once; None: not yet. Attempts it when the pause is over."""
        if not self.lost or self._opening:
            return None
        now_s = self._clock()
        if self._refused:
            log.warning(
                "still without %s: %s; the next attempt in %.0f s", self._what, self._refused, self._pause_s
            )
            self._refused = ""
            self._wait_again(now_s)
        elif self._opened is not None:
            opened, self._opened = self._opened, None
            self.lost = ""
            self._returned_at_s = now_s
            self.away_s = now_s - self._lost_at_s
            return opened
        elif now_s >= self._attempt_at_s:
            self._opening = True
            self._start(self._attempt)
        return None

    def _attempt(self) -> None:
        """In the opening thread."""
        try:
            self._opened = self._open()
        except Exception as error:
            if not isinstance(error, TROUBLE):
                log.exception("opening %s again failed unexpectedly", self._what)
            self._refused = said(error)
        if self._refused:
            self._let_go()
        self._opening = False

    def _wait_again(self, now_s: float) -> None:
        self._attempt_at_s = now_s + self._pause_s
        self._pause_s = min(self._pauses.longest_s, 2 * self._pause_s)


def said(error: Exception) -> str:
    """The first line: CUDA adds advice for programmers below."""
    return (str(error) or repr(error)).splitlines()[0]
