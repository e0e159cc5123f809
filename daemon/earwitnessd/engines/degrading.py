"""An accelerator that may be lost: the CPU serves then, until it is back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from earwitnessd.engines import Embedder, EmbedError, Vectors, Windows
from earwitnessd.engines.returning import TROUBLE, Pauses, Returning, in_a_thread, said

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 300.0
STEADY_S = 60.0


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
        self._accelerator: Embedder | None = open_accelerator()
        self.model_id = self._accelerator.model_id
        self._usual = self._accelerator.device
        self._shapes: set[tuple[int, int]] = set()
        self._changes: list[Change] = []
        pauses = Pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S, STEADY_S)
        self._returning = Returning(
            "the accelerator", self._opened_again, pauses, self._let_go, clock=clock, start=start
        )

    @property
    def device(self) -> str:
        """For people: where and how it computes at present."""
        if self._accelerator is not None:
            return self._accelerator.device
        return f"{self._cpu.device}, in place of {self._usual}"

    @property
    def lost(self) -> str:
        """Why the accelerator does not compute; empty: it does."""
        return self._returning.lost

    @property
    def last_loss(self) -> str:
        """Why it did not when that was last so; empty: it always did."""
        return self._returning.last_loss

    def embed(self, windows: Windows) -> Vectors:
        """A batch that the accelerator fails at is computed by the CPU: no window is lost."""
        self._come_back()
        if self._accelerator is not None:
            try:
                return self._accelerator.embed(windows)
            except TROUBLE as error:
                why = said(error)
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
                why = said(error)
            else:
                return
            self._lose(why)

    def changes(self) -> list[Change]:
        """Since the last call."""
        self._come_back()
        told, self._changes = self._changes, []
        return told

    def _lose(self, why: str) -> None:
        self._accelerator = None
        self._returning.lose(why, self._usual, self._cpu.device)
        self._changes.append(Change(self.device, why))

    def _come_back(self) -> None:
        if self._accelerator is None and (back := self._returning.back()) is not None:
            self._accelerator = back
            log.info("%s computes again, after %.0f s", back.device, self._returning.away_s)
            self._changes.append(Change(self.device, "", self._returning.away_s))

    def _opened_again(self) -> Embedder:
        """In the opening thread: open, and warm up everything that has been asked for."""
        opened = self._open()
        if opened.model_id != self.model_id:
            raise EmbedError(f"it would give embeddings of {opened.model_id}, not of {self.model_id}")
        for window_samples, batch in sorted(self._shapes):
            opened.warm_up(window_samples, batch)
        return opened

    def _let_go(self) -> None:
        try:
            self._release()
        except RuntimeError as error:  # a device that is gone refuses even that
            log.debug("its memory could not be released: %s", error)
