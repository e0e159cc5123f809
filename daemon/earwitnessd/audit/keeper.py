"""Makes the lines of the audit log, and hands them to the thread that writes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec

from earwitness.control import AnyMethod, FollowProfiles
from earwitness.events import AuditState, Event
from earwitnessd.audit.file import AuditFile
from earwitnessd.audit.record import Line, Verdicts, of_event, of_method
from earwitnessd.audit.writer import AuditWriter, Written
from earwitnessd.beside import Beside
from earwitnessd.publish import rfc3339
from earwitnessd.settings.root import Audit
from earwitnessd.sharing.giver import Gave

MOST_WAITING = 2000  # lines for the disk
FINISH_S = 0.5


class AuditKeeper:
    """Owned by the main thread."""

    def __init__(self, file: Path, settings: Audit, boot: str) -> None:
        self._boot = boot
        self._n = 0
        self._written = self._failed = self._dropped = 0
        self._waiting = 0
        self._verdicts = Verdicts()
        audit_file = AuditFile(file, round(settings.max_mb * 1e6), settings.files)
        self._writer: Beside[bytes, Written] = Beside(
            lambda inbox, outbox: AuditWriter(audit_file, inbox, outbox)
        )

    @property
    def state(self) -> AuditState:
        """For the heartbeat."""
        return AuditState(written=self._written, failed=self._failed, dropped=self._dropped)

    def fileno(self) -> int:
        """Readable when the writer has something to say."""
        return self._writer.fileno()

    def on_done(self, who: str, method: AnyMethod, problem: str) -> None:
        """A request was answered."""
        self._put(of_method(who, method, problem))

    def on_event(self, event: Event) -> None:
        """Something was published."""
        self._put(of_event(event, self._verdicts))

    def on_given(self, gave: Gave) -> None:
        """Templates left this machine, for a daemon that follows."""
        told = {"version": gave.version, "people": gave.people, "gone": gave.gone}
        self._put({"what": "control", "type": FollowProfiles.method, "who": gave.who, "told": told})

    def on_written(self) -> None:
        """The writer has something to say."""
        for written in self._writer.said():
            self._waiting -= written.lines
            if written.failed:
                self._failed += written.lines
            else:
                self._written += written.lines

    def close(self, within_s: float = FINISH_S) -> None:
        """Give the writer a moment for what it has; one that waits for its disk is left behind."""
        self._writer.close(min(FINISH_S, within_s))

    @property
    def stuck(self) -> bool:
        """The writer still runs; after `close`: it waits for its disk."""
        return self._writer.alive

    def _put(self, fields: dict[str, Any] | None) -> None:
        if fields is None:
            return
        self._n += 1
        if self._waiting >= MOST_WAITING:
            self._dropped += 1
            return
        self._waiting += 1
        line = Line(time=rfc3339(time.time()), boot=self._boot, n=self._n, **fields)
        self._writer.put(msgspec.json.encode(line) + b"\n")
