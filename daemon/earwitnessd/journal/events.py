"""Logs what the published events change."""

from __future__ import annotations

import logging

from earwitness.events import Event
from earwitnessd.journal.entry import FIELDS
from earwitnessd.journal.told import Telling

log = logging.getLogger(__name__)


class EventLog:
    """Owned by the main thread."""

    def __init__(self) -> None:
        self._telling = Telling()

    def on_event(self, event: Event) -> None:
        """One line, if there is something new to tell."""
        if told := self._telling.of(event):
            log.info(told.text, extra={FIELDS: told.fields})
