"""Who captures each stream, a process or a satellite, looked after by the main thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import zmq

from earwitness.events import Event, SpeechStarted, SpeechStopped
from earwitnessd.capture.cadence import Cadence
from earwitnessd.capture.paths import path_for
from earwitnessd.capture.supervisor import NEVER_S, CaptureStatus, CaptureSupervisor, Transition
from earwitnessd.handover import CaptureGone, StreamAdded, StreamRemoved, ToEngine
from earwitnessd.satellite.capturing import Capturing
from earwitnessd.satellite.gateway import Gateway
from earwitnessd.satellite.remote import RemoteStream
from earwitnessd.settings.sources import AnySource, FileReplay, Network


class UnknownStreamError(LookupError):
    """No stream of this name; the message lists those there are."""


class Streams:
    """Owned by the main thread. Tells the engine of every process that is gone."""

    def __init__(
        self,
        audio: str,
        boot: str,
        tell: Callable[[ToEngine], None],
        cadence: Cadence,
        gateway: Gateway | None = None,
    ) -> None:
        self._audio = audio
        self._boot = boot
        self._tell = tell
        self._cadence = cadence
        self._gateway = gateway
        self._supervisors: dict[str, Capturing] = {}
        self._sources: dict[str, AnySource] = {}
        self._openings: dict[str, int] = {}
        # of streams that were removed: should one come back, its stream_id must be new
        self._leaving: list[Capturing] = []
        # removed, but their processes still run
        self._watched: dict[int, Capturing] = {}
        self._stirred: set[Capturing] = set()
        # told something, or with something to say: their turn has come, whenever they are due
        self._moved = True
        # somebody had a turn: what is to be watched may be another
        self._due_s = 0.0
        # of the next turn, as of the last `tick`

    @property
    def status(self) -> Mapping[str, CaptureStatus]:
        """Of every stream, by name."""
        return {name: supervisor.status for name, supervisor in self._supervisors.items()}

    def configure(self, sources: Mapping[str, AnySource]) -> None:
        """Start what is new, stop what is gone, restart what has changed; leave the rest alone."""
        for name in [name for name, source in self._sources.items() if sources.get(name) != source]:
            # First, so that the engine knows why before the process says its last words; here and below.
            if name in sources:
                self._tell(StreamRemoved(name, "its settings have changed", final=False))
            else:
                self._tell(StreamRemoved(name, "removed from the settings", final=True))
            supervisor = self._supervisors.pop(name)
            self._openings[name] = supervisor.openings
            del self._sources[name]
            supervisor.stop(time.monotonic())
            self._leaving.append(supervisor)
            self._stirred.add(supervisor)
            if self._gateway and isinstance(supervisor, RemoteStream):
                self._gateway.remove(supervisor)
        for name, source in sources.items():
            if name not in self._supervisors:
                supervisor = self._capturing(name, source, self._openings.get(name, 0))
                self._supervisors[name] = supervisor
                self._sources[name] = source
                self._stirred.add(supervisor)
                self._tell(StreamAdded(name, source))
                if not source.paused:
                    supervisor.start(time.monotonic())

    def _capturing(self, name: str, source: AnySource, openings: int) -> Capturing:
        if isinstance(source, Network):
            assert self._gateway, "the settings were checked"
            return self._gateway.add(name, source, openings)
        return CaptureSupervisor(
            name,
            source,
            path_for(source, self._audio),
            self._boot,
            openings=openings,
            cadence=self._cadence,
        )

    def pause(self, name: str) -> None:
        """Let go of a stream's device."""
        supervisor = self._find(name)
        self._tell(CaptureGone(name, supervisor.stream_id, "paused", final=True))
        supervisor.pause(time.monotonic())
        self._stirred.add(supervisor)

    def resume(self, name: str) -> None:
        """Open a paused stream again."""
        supervisor = self._find(name)
        supervisor.resume(time.monotonic())
        self._stirred.add(supervisor)

    def on_event(self, event: Event) -> None:
        """It was published; who captures a stream wants to know whether somebody speaks there."""
        if isinstance(event, SpeechStarted | SpeechStopped) and (
            supervisor := self._supervisors.get(event.stream)
        ):
            supervisor.tell_speech(event.stream_id, speaking=isinstance(event, SpeechStarted))

    def reopen_live(self, reason: str) -> None:
        """Whatever hears the world begins anew: what it heard and what it will hear do not join."""
        for name, supervisor in self._supervisors.items():
            source = self._sources[name]
            if isinstance(source, FileReplay):
                continue
            if not isinstance(source, Network):  # a satellite's end is brought with the reason
                self._tell(CaptureGone(name, supervisor.stream_id, reason, final=False))
            supervisor.reopen(time.monotonic(), reason)
            self._stirred.add(supervisor)

    def watch(self, poller: zmq.Poller) -> None:
        """Have the poller wake us for what the processes say, and for none that is gone."""
        if self._moved or self._stirred:
            self._moved = False
            self._watch(poller)

    def _watch(self, poller: zmq.Poller) -> None:
        wanted = {fd: supervisor for supervisor in self._all() for fd in supervisor.filenos()}
        for fd in self._watched.keys() - wanted.keys():
            poller.unregister(fd)
        for fd in wanted.keys() - self._watched.keys():
            poller.register(fd, zmq.POLLIN)
        self._watched = wanted

    def on_readable(self, fd: int) -> None:
        """A process has said something, or died."""
        if supervisor := self._watched.get(fd):
            self._stirred.add(supervisor)

    def due_in_s(self) -> float:
        """Call `tick` after this many seconds at the latest."""
        return self._due_s - time.monotonic()

    def look(self) -> None:
        """Once a second, when we are awake in any case: at the next `tick` everybody has a turn."""
        self._stirred.update(self._all())

    def tick(self) -> None:
        """Do what is due: most often nothing, for most turns of the main loop are about events."""
        now = time.monotonic()
        if now < self._due_s and not self._stirred and self._gateway is None:
            return  # what a satellite says may make it due sooner
        due_in_s = {each: each.due_in_s(now) for each in self._all()}
        turns = [each for each, left_s in due_in_s.items() if left_s <= 0.0 or each in self._stirred]
        if turns:
            self._take_turns(turns, now)
            due_in_s = {each: each.due_in_s(now) for each in self._all()}
        self._due_s = now + min(due_in_s.values(), default=NEVER_S)

    def _take_turns(self, turns: list[Capturing], now: float) -> None:
        self._stirred.clear()
        for supervisor in turns:
            self._moved = True
            transitions = supervisor.tick(now)
            if supervisor not in self._leaving:
                for transition in transitions:
                    self._on_transition(transition)
        self._leaving = [supervisor for supervisor in self._leaving if supervisor.running]

    def stop(self, within_s: float) -> None:
        """End all processes; what does not end in time is killed."""
        deadline = time.monotonic() + within_s
        for supervisor in self._all():
            supervisor.stop(time.monotonic())
        poller = zmq.Poller()
        self._watched = {}
        while any(supervisor.running for supervisor in self._all()) and time.monotonic() < deadline:
            self._watch(poller)
            poller.poll(20)
            for supervisor in self._all():
                supervisor.tick(time.monotonic())
        for supervisor in self._all():
            supervisor.close()

    def _all(self) -> list[Capturing]:
        return [*self._supervisors.values(), *self._leaving]

    def _find(self, name: str) -> Capturing:
        supervisor = self._supervisors.get(name)
        if supervisor is None:
            names = ", ".join(self._supervisors) or "none"
            raise UnknownStreamError(f"there is no stream {name!r}; there are: {names}")
        return supervisor

    def _on_transition(self, transition: Transition) -> None:
        # A recording's end is told by its last message, behind all of its audio.
        if transition.state in {"backing_off", "failed"}:
            gone = CaptureGone(
                transition.stream,
                transition.stream_id,
                transition.reason,
                final=transition.state == "failed",
            )
            self._tell(gone)
