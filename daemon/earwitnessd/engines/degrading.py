"""An accelerator that may be lost: the CPU serves then, until it is back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from earwitnessd.engines import Embedder, EmbedError, Vectors, Windows

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 5.0  # between a loss and the first attempt to come back; then twice as long each time
LONGEST_PAUSE_S = 300.0
STEADY_S = 60.0  # after so long without a loss the pauses begin anew

# torch says RuntimeError of what a device does; running out of memory and CUDA errors are such ones
TROUBLE = (RuntimeError, EmbedError)


@dataclass(frozen=True, slots=True)
class Change:
    """Another device computes from now on."""

    device: str
    lost: str
    # why the accelerator does not; empty: it does again
    away_s: float = 0.0
    # how long it did not


@runtime_checkable
class Degradable(Protocol):
    """An engine that goes on computing elsewhere when its device is lost."""

    @property
    def lost(self) -> str:
        """Why the device that was asked for does not compute; empty: it does."""

    @property
    def last_loss(self) -> str:
        """Why it did not when that was last so; empty: it always did."""

    def changes(self) -> list[Change]:
        """Since the last call; to be called now and then, for it is also when a return is attempted."""


def in_a_thread(attempt: Callable[[], None]) -> None:
    """Opening takes seconds, in which windows must not wait."""
    threading.Thread(target=attempt, name="engine-return", daemon=True).start()


class Degrading:
    """Belongs to the engine thread; a thread of its own opens the accelerator again and hands it over."""

    def __init__(
        self,
        open_accelerator: Callable[[], Embedder],
        cpu: Embedder,
        release: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        start: Callable[[Callable[[], None]], None] = in_a_thread,
        open_again: Callable[[], Embedder] | None = None,
    ) -> None:
        self._open = open_again or open_accelerator
        self._cpu = cpu
        self._release = release
        self._clock = clock
        self._start = start
        self._accelerator: Embedder | None = open_accelerator()
        self.model_id = self._accelerator.model_id
        self._usual = self._accelerator.device
        self.lost = self.last_loss = ""
        self._shapes: set[tuple[int, int]] = set()
        self._changes: list[Change] = []
        self._opened: Embedder | None = None
        # set by the opening thread as a whole, taken by ours
        self._refused = ""
        self._opening = False
        # set last by the opening thread: only then is the other one's result complete
        self._pause_s = FIRST_PAUSE_S
        self._lost_at_s = self._attempt_at_s = 0.0
        self._returned_at_s = clock()

    @property
    def device(self) -> str:
        """For people: where and how it computes at present."""
        if self._accelerator is not None:
            return self._accelerator.device
        return f"{self._cpu.device}, in place of {self._usual}"

    def embed(self, windows: Windows) -> Vectors:
        """A batch that the accelerator fails at is computed by the CPU: no window is lost."""
        self._come_back()
        if self._accelerator is not None:
            try:
                return self._accelerator.embed(windows)
            except TROUBLE as error:
                why = _said(error)
            # outside the handler, whose traceback holds what is to be released
            vectors = self._cpu.embed(windows)  # if this fails too, the device is not the reason
            self._lose(why)
            return vectors
        return self._cpu.embed(windows)

    def warm_up(self, window_samples: int, batch: int) -> None:
        """Both: the CPU must not begin cold when it is needed."""
        self._cpu.warm_up(window_samples, 1)
        self._shapes.add((window_samples, batch))
        if self._accelerator is not None:
            try:
                self._accelerator.warm_up(window_samples, batch)
            except TROUBLE as error:
                why = _said(error)
            else:
                return
            self._lose(why)

    def changes(self) -> list[Change]:
        """Since the last call."""
        self._come_back()
        told, self._changes = self._changes, []
        return told

    def _lose(self, why: str) -> None:
        now_s = self._clock()
        if now_s - self._returned_at_s >= STEADY_S:
            self._pause_s = FIRST_PAUSE_S
        log.error(
            "%s is lost: %s. %s computes instead; the next attempt in %.0f s",
            self._usual,
            why,
            self._cpu.device,
            self._pause_s,
        )
        self._accelerator = None
        self._let_go()
        self.lost = self.last_loss = why
        self._lost_at_s = now_s
        self._wait_again(now_s)
        self._changes.append(Change(self.device, why))

    def _come_back(self) -> None:
        """Take what was opened, or attempt it when the pause is over."""
        if self._accelerator is not None or self._opening:
            return
        now_s = self._clock()
        if self._refused:
            log.warning(
                "still without the accelerator: %s; the next attempt in %.0f s", self._refused, self._pause_s
            )
            self._refused = ""
            self._wait_again(now_s)
        elif self._opened is not None:
            self._accelerator, self._opened = self._opened, None
            self.lost = ""
            self._returned_at_s = now_s
            away_s = now_s - self._lost_at_s
            log.info("%s computes again, after %.0f s", self._accelerator.device, away_s)
            self._changes.append(Change(self.device, "", away_s))
        elif now_s >= self._attempt_at_s:
            self._opening = True
            self._start(self._attempt)

    def _attempt(self) -> None:
        """In the opening thread: open, and warm up everything that has been asked for."""
        try:
            self._opened = self._opened_again()
        except Exception as error:
            if not isinstance(error, TROUBLE):
                log.exception("opening the accelerator again failed unexpectedly")
            self._refused = _said(error)
        if self._refused:
            self._let_go()
        self._opening = False

    def _opened_again(self) -> Embedder:
        opened = self._open()
        if opened.model_id != self.model_id:
            raise EmbedError(f"it would give embeddings of {opened.model_id}, not of {self.model_id}")
        for window_samples, batch in sorted(self._shapes):
            opened.warm_up(window_samples, batch)
        return opened

    def _wait_again(self, now_s: float) -> None:
        self._attempt_at_s = now_s + self._pause_s
        self._pause_s = min(LONGEST_PAUSE_S, 2 * self._pause_s)

    def _let_go(self) -> None:
        try:
            self._release()
        except RuntimeError as error:  # a device that is gone refuses even that
            log.debug("its memory could not be released: %s", error)


def _said(error: Exception) -> str:
    """The first line: CUDA adds advice for programmers below."""
    return (str(error) or repr(error)).splitlines()[0]
