"""The thread that writes the audit log: fsync lasts as long as the disk likes, and nobody waits for it."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from earwitnessd.audit.file import AuditFile
from earwitnessd.beside import Finish
from earwitnessd.mailbox import Mailbox

log = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Written:
    """So many lines are on disk, or are lost."""

    lines: int
    failed: bool


class AuditWriter(threading.Thread):
    """Owns the file. What has come since the last fsync shares the next."""

    def __init__(self, file: AuditFile, inbox: Mailbox[bytes | Finish], outbox: Mailbox[Written]) -> None:
        super().__init__(name="audit", daemon=True)
        self._file = file
        self._inbox = inbox
        self._outbox = outbox
        self._failing = False

    def run(self) -> None:
        """Until told to finish."""
        over = False
        while not over:
            self._inbox.wait(LOOK_EVERY_S)
            orders = list(self._inbox.drain())
            over = any(isinstance(order, Finish) for order in orders)
            if lines := [order for order in orders if isinstance(order, bytes)]:
                self._outbox.put(Written(len(lines), failed=not self._append(lines)))
        self._file.close()

    def _append(self, lines: list[bytes]) -> bool:
        """A full disk is said once, not with each line."""
        try:
            self._file.append(b"".join(lines))
        except OSError as error:
            self._file.close()
            if not self._failing:
                log.error(
                    "the audit log %s cannot be written, lines are lost until it can: %s",
                    self._file.file,
                    error.strerror,
                )
            self._failing = True
            return False
        if self._failing:
            log.warning("the audit log is being written again")
        self._failing = False
        return True
