"""Tells once a second how everything is, and feeds the watchdog while there is progress."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from earwitness.events import Event, Heartbeat
from earwitnessd.handover import Pulse
from earwitnessd.service.engine_side import EngineSide
from earwitnessd.service.keepers import Keepers
from earwitnessd.service.memory import GivingBack, resident_mb
from earwitnessd.service.notify import ServiceManager
from earwitnessd.service.public import PublicSide
from earwitnessd.service.shared_people import SharedPeople
from earwitnessd.service.streams import Streams
from earwitnessd.service.suspension import Suspension
from earwitnessd.service.vitals import Vitals, heartbeat
from earwitnessd.service.watchdog import patience_s, why_stuck

log = logging.getLogger(__name__)

EVERY_S = 1.0
BEGIN_S = 0.1  # the engine's first pulse wakes nobody either


class Heart:
    """Owned by the main thread; it begins with the engine's first pulse."""

    def __init__(
        self,
        engine: EngineSide,
        streams: Streams,
        public: PublicSide,
        keepers: Keepers,
        shared: SharedPeople,
        manager: ServiceManager,
        suspension: Suspension,
        publish: Callable[[Event], Event],
        giving_back: GivingBack,
    ) -> None:
        self._engine = engine
        self._streams = streams
        self._public = public
        self._keepers = keepers
        self._shared = shared
        self._manager = manager
        self._suspension = suspension
        self._publish = publish
        self._giving_back = giving_back
        self._started_s = time.monotonic()
        self._due_s = 0.0

    def due_in_s(self) -> float:
        """Call `tick` after this many seconds at the latest."""
        return min(EVERY_S, self._due_s - time.monotonic()) if self._engine.pulse else BEGIN_S

    def tick(self) -> None:
        """Beat if it is time."""
        if self._engine.pulse and time.monotonic() >= self._due_s:
            self._due_s = time.monotonic() + EVERY_S
            self._beat(self._engine.pulse)

    def _beat(self, pulse: Pulse) -> None:
        self._public.tick()
        self._keepers.tick()
        self._shared.tick()
        self._giving_back.tick()
        self._streams.look()
        beat = self.heartbeat()
        self._publish(beat)
        self._manager.status(beat.status)
        reason = why_stuck(pulse, time.monotonic_ns(), patience_s(self._manager.watchdog_s))
        if reason is None:
            self._manager.progress()
        else:
            log.warning("no progress: %s", reason)

    def heartbeat(self) -> Heartbeat:
        """At this moment."""
        return heartbeat(
            Vitals(
                ready=self._engine.ready,
                pulse=self._engine.pulse or Pulse.first(self._engine.ready.profiles),
                capture=self._streams.status,
                sockets=self._public.state,
                uptime_s=time.monotonic() - self._started_s,
                rss_mb=resident_mb(),
                suspended_s=self._suspension.total_s,
                evidence=self._keepers.evidence,
                audit=self._keepers.audit,
                following=self._shared.following,
                followers=self._shared.followers,
            )
        )
