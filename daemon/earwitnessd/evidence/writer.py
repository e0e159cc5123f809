"""The thread that writes evidence and deletes what has been kept long enough."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from earwitnessd.beside import Finish
from earwitnessd.evidence.folder import EvidenceFolder
from earwitnessd.evidence.record import Record
from earwitnessd.mailbox import Mailbox
from earwitnessd.trusted_clock import Believed, Clock

log = logging.getLogger(__name__)

SWEEP_EVERY_S = 3600.0


@dataclass(frozen=True, slots=True)
class Written:
    """A verdict and its audio are on disk; or why not."""

    problem: str = ""


class EvidenceWriter(threading.Thread):
    """Owns the folder's content.

    Why a thread (tests/benchmarks/evidence_write.py, 2026-11-20, a busy virtual machine's disk): encoding 8 s
    and having them on disk takes half as long as embedding a window, but four times as long at worst. fsync
    lasts as long as the disk likes: on an SD card or a network share main would miss its polls.
    """

    def __init__(
        self,
        folder: EvidenceFolder,
        inbox: Mailbox[Record | Finish],
        outbox: Mailbox[Written],
        clock: Clock | None = None,
    ) -> None:
        super().__init__(name="evidence", daemon=True)
        self._clock = clock or Clock()
        self._believed = Believed()
        self._folder = folder
        self._inbox = inbox
        self._outbox = outbox
        self._failing = False

    def run(self) -> None:
        """Until told to finish."""
        while True:
            self._sweep()
            self._inbox.wait(SWEEP_EVERY_S)
            for order in self._inbox.drain():
                if isinstance(order, Finish):
                    return
                self._outbox.put(Written(self._write(order)))

    def _write(self, record: Record) -> str:
        """Why it could not be written, empty if it was; a full disk is said once, not each time."""
        try:
            file = self._folder.write(record)
        except (OSError, RuntimeError) as error:
            # RuntimeError: what libsndfile raises
            problem = f"{self._folder.directory}: {getattr(error, 'strerror', None) or error}"
            if not self._failing:
                log.error("evidence cannot be written, and is lost until it can: %s", problem)
            self._failing = True
            return problem
        log.info("evidence: %s", file)
        if self._failing:
            log.info("evidence is being written again")
        self._failing = False
        return ""

    def _sweep(self) -> None:
        try:
            if gone := self._folder.sweep(self._date_s()):
                log.info("evidence: %d verdicts were kept long enough and are deleted", gone)
        except OSError as error:
            log.warning("evidence: %s: cannot delete what is old: %s", self._folder.directory, error)

    def _date_s(self) -> float:
        """Unix time; while the clock cannot be believed a time at which nothing is too old."""
        wall_s = self._clock.wall_s()
        newest_s = self._folder.newest_s()
        trusted = self._believed.look(
            wall_s, self._clock.monotonic_s(), newest_s, synchronised=self._clock.synchronised()
        )
        return wall_s if trusted else min(wall_s, newest_s)
