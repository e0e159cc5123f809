"""The settings in force, and how others come into force without a restart."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from earwitness.events import DaemonReloaded
from earwitnessd.assemble import find_calibrator, rules_for
from earwitnessd.calibration import CalibrationError
from earwitnessd.handover import NewRules
from earwitnessd.journal.entry import FIELDS
from earwitnessd.service.engine_side import EngineSide
from earwitnessd.service.guests import Guests
from earwitnessd.service.public import PublicSide
from earwitnessd.service.reloading import Reloading
from earwitnessd.service.streams import Streams
from earwitnessd.settings.root import Settings
from earwitnessd.settings.validate import SettingsError

log = logging.getLogger(__name__)


class LiveSettings:
    """Owned by the main thread."""

    def __init__(
        self,
        settings: Settings,
        read_again: Callable[[], Settings],
        engine: EngineSide,
        streams: Streams,
        public: PublicSide,
    ) -> None:
        self._in_force = settings
        self._read_again = read_again
        self._engine = engine
        self._streams = streams
        self._public = public
        self._guests = Guests()

    def add_stream(self, name: str, source: dict[str, Any]) -> DaemonReloaded:
        """One more, until the daemon ends; GuestError if it cannot be. What is to be said of it."""
        return self._put(self._guests.add(self._in_force, name, source), name)

    def remove_stream(self, name: str) -> DaemonReloaded:
        """One less, the same way."""
        return self._put(self._guests.remove(self._in_force, name), name)

    def reload(self) -> DaemonReloaded:
        """Put into force what can be; a bad file changes nothing. What is to be said of it."""
        profiles, ready = self._engine.profiles, self._engine.ready
        try:
            new = self._guests.seated(self._read_again())
            calibrator = find_calibrator(new.decision, ready.model_id, ready.directory)
            rules = rules_for(new.decision, ready.threshold, ready.model, calibrator)
        except (SettingsError, CalibrationError) as problem:
            log.error("reload refused, the old settings stay: %s", problem)
            return DaemonReloaded(profiles=profiles, changed=[], restart_needed=[], error=str(problem))
        reloading = Reloading.plan(self._in_force, new)
        self._in_force = reloading.settings
        self._engine.tell(NewRules(rules, calibrator))
        self._streams.configure(self._in_force.streams)
        self._public.reload_keys()
        log.info("reloaded: %s; decides %s", reloading, rules, extra={FIELDS: {"event": "daemon.reloaded"}})
        return DaemonReloaded(
            profiles=profiles,
            changed=list(reloading.changed),
            restart_needed=list(reloading.restart_needed),
        )

    def _put(self, settings: Settings, stream: str) -> DaemonReloaded:
        self._in_force = settings
        self._streams.configure(settings.streams)
        profiles = self._engine.profiles
        return DaemonReloaded(profiles=profiles, changed=[f"streams.{stream}"], restart_needed=[])
