"""Everybody who keeps what is published: the log, the audit log, evidence, metrics."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING

from earwitness.control import AnyMethod
from earwitness.events import AuditState, Event, EvidenceState
from earwitnessd.assemble import audit_file, evidence_folder
from earwitnessd.audit.keeper import AuditKeeper
from earwitnessd.evidence.clip import Clip
from earwitnessd.evidence.folder import EvidenceError, EvidenceFolder
from earwitnessd.evidence.keeper import EvidenceKeeper
from earwitnessd.journal.events import EventLog
from earwitnessd.service.errors import StartError
from earwitnessd.service.leaving import Leaving
from earwitnessd.service.public import Attendants
from earwitnessd.settings.addresses import parse_address
from earwitnessd.settings.root import Settings
from earwitnessd.sharing.giver import Gave

if TYPE_CHECKING:
    from earwitnessd.metrics.scrape import Metrics

log = logging.getLogger(__name__)


class Keepers:
    """Owned by the main thread. What the settings do not ask for is not there."""

    def __init__(self, settings: Settings, boot: str, leaving: Leaving, stack: ExitStack) -> None:
        """StartError if something that is asked for cannot be had; no thread runs yet."""
        self._settings = settings
        self._boot = boot
        self._metrics = _open_metrics(settings, stack)
        self._folder = _open_evidence(settings)
        self._log = EventLog()
        self._evidence: EvidenceKeeper | None = None
        self._audit: AuditKeeper | None = None
        self._leaving = leaving

    def start(self, stack: ExitStack) -> None:
        """Those that write have a thread each."""
        audit = self._settings.audit
        if self._folder:
            self._evidence = EvidenceKeeper(self._folder)
        if audit.keep:
            self._audit = AuditKeeper(audit_file(self._settings), audit, self._boot)
            stack.callback(self._leave, self._audit)
        if self._evidence:
            stack.callback(self._leave, self._evidence)

    def attendants(self) -> Attendants:
        """For the main thread's poller."""
        served: Attendants = {}
        if self._evidence:
            served[self._evidence.fileno()] = self._evidence.on_written
        if self._audit:
            served[self._audit.fileno()] = self._audit.on_written
        if self._metrics:
            served[self._metrics.server.fileno()] = self._metrics.server.on_ready
        return served

    def on_event(self, event: Event) -> None:
        """It was published."""
        self._log.on_event(event)
        if self._evidence:
            self._evidence.on_event(event)
        if self._audit:
            self._audit.on_event(event)
        if self._metrics:
            self._metrics.figures.on_event(event)

    def on_clip(self, clip: Clip) -> None:
        """A verdict's audio is complete."""
        if self._evidence:
            self._evidence.on_clip(clip)

    def on_done(self, who: str, method: AnyMethod, problem: str) -> None:
        """A control request was answered."""
        if self._audit:
            self._audit.on_done(who, method, problem)

    def on_given(self, gave: Gave) -> None:
        """Templates left this machine."""
        if self._audit:
            self._audit.on_given(gave)

    def tick(self) -> None:
        """Once a second."""
        if self._metrics:
            self._metrics.server.expire()

    @property
    def evidence(self) -> EvidenceState | None:
        """For the heartbeat; None: none is kept."""
        return self._evidence.state if self._evidence else None

    @property
    def audit(self) -> AuditState | None:
        """The same for the audit log."""
        return self._audit.state if self._audit else None

    @property
    def stuck(self) -> list[str]:
        """Whose disk does not answer, for people."""
        keepers = {"the audit log": self._audit, "the evidence": self._evidence}
        return [what for what, keeper in keepers.items() if keeper and keeper.stuck]

    def _leave(self, keeper: AuditKeeper | EvidenceKeeper) -> None:
        keeper.close(self._leaving.left_s())


def _open_metrics(settings: Settings, stack: ExitStack) -> Metrics | None:
    """Who is not asked for metrics does not load their library."""
    if not settings.metrics.listen:
        return None
    from earwitnessd.metrics.scrape import Metrics, MetricsError  # noqa: PLC0415  # as said

    try:
        metrics = Metrics(parse_address(settings.metrics.listen))
    except MetricsError as error:
        raise StartError(str(error)) from None
    stack.callback(metrics.server.close)
    log.info("metrics on http://%s/metrics", metrics.server.address)
    return metrics


def _open_evidence(settings: Settings) -> EvidenceFolder | None:
    try:
        return evidence_folder(settings)
    except EvidenceError as error:
        raise StartError(str(error)) from None
