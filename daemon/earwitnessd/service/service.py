"""The main thread from its start to its end: opens everything, waits for whoever has something to say."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import TypeVar

import zmq

from earwitness.control import AnyMethod
from earwitness.events import DaemonReloaded, DaemonStarted, DaemonStopping, Event
from earwitnessd.access import sockets
from earwitnessd.assemble import open_parts
from earwitnessd.capture.cadence import Cadence
from earwitnessd.evidence.clip import Clip
from earwitnessd.handover import Answer, Failed, Publish, Refusal
from earwitnessd.journal.entry import FIELDS
from earwitnessd.listening.listener import Parts
from earwitnessd.satellite.gateway import Gateway
from earwitnessd.service.engine_side import EngineSide
from earwitnessd.service.errors import EngineFailedError, StartError
from earwitnessd.service.heart import Heart
from earwitnessd.service.keepers import Keepers
from earwitnessd.service.leaving import Leaving
from earwitnessd.service.live_settings import LiveSettings
from earwitnessd.service.memory import GivingBack, share_one_heap
from earwitnessd.service.notify import ServiceManager
from earwitnessd.service.public import Attendants, PublicSide
from earwitnessd.service.requests import Requests
from earwitnessd.service.shared_people import SharedPeople
from earwitnessd.service.signals import signals
from earwitnessd.service.streams import Streams
from earwitnessd.service.suspension import Suspension
from earwitnessd.settings.root import Settings
from earwitnessd.sharing.errors import SharingError
from earwitnessd.version import VERSION

log = logging.getLogger(__name__)
E = TypeVar("E", bound=Event)

STOP_CAPTURE_S = 0.7
STOP_S = 1.7  # with all that is stuck


class Service:
    """Owns the zmq context, the signals, and through its parts all else that the main thread has."""

    def __init__(
        self,
        settings: Settings,
        read_again: Callable[[], Settings],
        open_parts: Callable[[Settings], Parts] = open_parts,
    ) -> None:
        self._settings = settings
        # as it was started; what is in force now, `LiveSettings` knows
        self._open_parts = open_parts
        self._read_again = read_again
        # the same files and overrides, for a reload
        self.boot = str(uuid.uuid4())
        self._stop_reason = ""
        self._failed = ""
        self._reload_wanted = False
        self._engine: EngineSide | None = None
        self._attendants: Attendants = {}
        self._poller = zmq.Poller()
        self._manager = ServiceManager()
        self._suspension = Suspension()
        self._giving_back = GivingBack()
        self._leaving = Leaving()

    def run(self) -> None:
        """Until a signal or a failure; StartError if it cannot start or the engine fails."""
        share_one_heap()
        with ExitStack() as stack:
            self._start(stack)
            self._main_loop()
            self._shut_down()
        if self._failed:
            raise EngineFailedError(self._failed)

    def _start(self, stack: ExitStack) -> None:
        self._signals = stack.enter_context(signals(self._on_signal))
        self._claim_sockets(stack)
        self._keepers = Keepers(self._settings, self.boot, self._leaving, stack)
        audio_directory = tempfile.mkdtemp(prefix="earwitness-")
        stack.callback(shutil.rmtree, audio_directory, ignore_errors=True)
        context = zmq.Context()
        stack.callback(self._end_context, context)
        self._public = PublicSide(
            context, self._settings.sockets, self.boot, self._handle, stack, self._on_done
        )
        self._keepers.start(stack)
        engine = self._furnish(context, f"{audio_directory}/audio", stack)
        self._manager.status(f"loading the model {self._settings.model}")
        engine.start()
        stack.callback(engine.stop, self._keepers.on_clip)
        ready = engine.await_ready(self._signals, lambda: self._stop_reason)
        self._attend_to(self._share_people(context, ready.model_id, stack))
        self._streams.configure(self._settings.streams)
        self._announce(engine)

    def _claim_sockets(self, stack: ExitStack) -> None:
        endpoints = sockets.resolve(self._settings.sockets)
        for endpoint in (endpoints.events, endpoints.control):
            if lock := sockets.claim(endpoint):
                stack.enter_context(lock)

    def _furnish(self, context: zmq.Context[zmq.Socket[bytes]], audio: str, stack: ExitStack) -> EngineSide:
        """Everything between the public sockets and the engine."""
        windows = self._settings.windows
        engine = self._engine = EngineSide(audio, self._settings, lambda: self._open_parts(self._settings))
        gateway = self._open_gateway(context, engine, stack)
        cadence = Cadence.of(windows.length_s, windows.hop_s)
        self._streams = Streams(audio, self.boot, engine.tell, cadence, gateway)
        self._shared = SharedPeople(
            self._settings, self._public.control, engine.tell, self._keepers.on_given, self._leaving
        )
        self._heart = Heart(
            engine,
            self._streams,
            self._public,
            self._keepers,
            self._shared,
            self._manager,
            self._suspension,
            self._publish,
            self._giving_back,
        )
        self._live = LiveSettings(self._settings, self._read_again, engine, self._streams, self._public)
        self._requests = Requests(
            self.boot,
            self._public,
            self._streams,
            self._shared,
            engine.tell,
            self._heart.heartbeat,
            self._reload,
            self._live,
            self._publish,
        )
        self._attend_to(self._public.attendants())
        self._attend_to(self._keepers.attendants())
        self._poller.register(engine, zmq.POLLIN)
        self._attend_to({self._signals.fileno(): self._signals.drain})
        if gateway:
            self._attend_to({gateway.socket: gateway.on_messages})
        return engine

    def _open_gateway(
        self, context: zmq.Context[zmq.Socket[bytes]], engine: EngineSide, stack: ExitStack
    ) -> Gateway | None:
        """Where microphones elsewhere connect, if any may."""
        if not self._settings.sockets.satellites:
            return None
        assert self._public.keys, "the settings were checked"
        gateway = Gateway(
            context,
            self._settings.sockets,
            self._public.keys,
            self.boot,
            engine.bring,
            self._publish,
            stack,
        )
        self._public.adopt(gateway.door)
        log.info("satellites on %s", gateway.endpoint)
        return gateway

    def _share_people(
        self, context: zmq.Context[zmq.Socket[bytes]], model_id: str, stack: ExitStack
    ) -> Attendants:
        try:
            return self._shared.start(context, model_id, stack)
        except SharingError as error:
            raise StartError(str(error)) from None

    def _attend_to(self, attendants: Attendants) -> None:
        """For as long as we are; capture processes come and go besides."""
        self._attendants |= attendants
        for source in attendants:
            self._poller.register(source, zmq.POLLIN)

    def _announce(self, engine: EngineSide) -> None:
        ready, endpoints = engine.ready, self._public.endpoints
        begun = {"event": "daemon.started", "boot": self.boot}
        log.info(
            "earwitnessd %s, boot %s, process %d", VERSION, self.boot, os.getpid(), extra={FIELDS: begun}
        )
        log.info("model %s on %s, %d profiles", ready.model_id, ready.device, ready.profiles)
        log.info("decides %s", ready.decision)
        if ready.profiles_other_model:
            log.warning(
                "%d people are enrolled with another model only: nobody is compared with them until %s "
                "knows them",
                ready.profiles_other_model,
                ready.model,
            )
        log.info("events on %s, control on %s", endpoints.events, endpoints.control)
        if "tcp://" in endpoints.events + endpoints.control and not self._settings.sockets.curve:
            log.warning("sockets.insecure: everybody who reaches the port can listen and control")
        self._publish(
            DaemonStarted(
                version=VERSION,
                pid=os.getpid(),
                model=ready.model,
                model_id=ready.model_id,
                device=ready.device,
                streams=list(self._settings.streams),
            )
        )
        self._manager.ready()

    def _main_loop(self) -> None:
        while not self._stop_reason:
            self._streams.watch(self._poller)
            timeout_s = min(self._heart.due_in_s(), self._streams.due_in_s())
            ready = dict(self._poller.poll(max(0, int(timeout_s * 1000) + 1)))
            self._notice_sleep()
            self._attend(ready)  # who has just subscribed is told what holds before anything new
            self._on_engine()
            if self._reload_wanted:
                self._reload_wanted = False
                self._reload()
            self._heart.tick()
            self._streams.tick()

    def _notice_sleep(self) -> None:
        """A verdict from before the sleep holds no longer, whatever the sample count says."""
        if slept_s := self._suspension.slept_s():
            log.warning("the machine slept for %.0f s: all live sources are opened anew", slept_s)
            self._streams.reopen_live(f"the machine slept for {slept_s:.0f} s")

    def _attend(self, ready: Mapping[zmq.Socket[bytes] | int, int]) -> None:
        """Serve whoever has something to say."""
        for source in ready:
            if source in self._attendants:
                self._attendants[source]()
            elif isinstance(source, int):
                self._streams.on_readable(source)

    def _on_engine(self) -> None:
        """Whatever woke us: its pulse does not."""
        assert self._engine
        for word in self._engine.words():
            match word:
                case Publish(event):
                    self._publish(event)
                case Clip():
                    self._keepers.on_clip(word)
                case Answer(token, result):
                    self._public.control.reply(token, result)
                case Refusal(token, code, message):
                    self._public.control.refuse(token, code, message)
                case Failed(reason):
                    self._failed = reason
                    self._stop_reason = self._stop_reason or "the engine failed"

    def _publish(self, event: E) -> E:
        """To subscribers, and to whoever keeps it."""
        stamped = self._public.publisher.publish(event)
        self._streams.on_event(stamped)
        self._keepers.on_event(stamped)
        self._shared.on_event(stamped)
        return stamped

    def _on_done(self, who: str, method: AnyMethod, problem: str) -> None:
        """A control request was answered."""
        self._keepers.on_done(who, method, problem)
        self._shared.on_done(method, problem)

    def _handle(self, token: int, method: AnyMethod, attachment: bytes) -> None:
        self._requests.handle(token, method, attachment)

    def _reload(self) -> DaemonReloaded:
        self._manager.reloading()
        event = self._live.reload()
        self._giving_back.now()
        self._manager.ready()
        return self._publish(event)

    def _on_signal(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._reload_wanted = True
        else:
            self._stop_reason = signal.Signals(number).name

    def _shut_down(self) -> None:
        log.info("stopping: %s", self._stop_reason, extra={FIELDS: {"event": "daemon.stopping"}})
        self._manager.stopping()
        self._publish(DaemonStopping(reason=self._stop_reason))
        self._public.control.refuse_all("the daemon is stopping")
        self._leaving.begin(STOP_S)
        self._shared.finish()
        self._streams.stop(STOP_CAPTURE_S)

    def _end_context(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        """Wait for the last events to leave, unless whoever is stuck may have a socket open."""
        stuck = [*self._keepers.stuck, *self._shared.stuck]
        if stuck:
            log.warning("the disk does not answer: leaving without the last of %s", " and ".join(stuck))
        if self._engine and self._engine.alive:
            log.warning("the engine did not stop in time: leaving without it")
        if not self._shared.stuck:
            context.term()
