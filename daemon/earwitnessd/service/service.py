"""The main thread: starts everything, carries events out and requests in, stops in reverse order."""

from __future__ import annotations

import logging
import math
import os
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

import zmq

from earwitness.control import (
    AnyMethod,
    Done,
    EventsSince,
    FollowAnew,
    FollowProfiles,
    GetStatus,
    PauseStream,
    Reload,
    Reloaded,
    ResumeStream,
    Status,
)
from earwitness.events import (
    DaemonReloaded,
    DaemonStarted,
    DaemonStopping,
    Event,
    Heartbeat,
    ProfileDeleted,
    ProfileEnrolled,
    ProfileUpdated,
)
from earwitnessd.access import sockets
from earwitnessd.assemble import (
    audit_file,
    evidence_folder,
    find_calibrator,
    open_parts,
    reopen_store,
    rules_for,
)
from earwitnessd.audit.keeper import AuditKeeper
from earwitnessd.calibration import CalibrationError
from earwitnessd.capture.cadence import Cadence
from earwitnessd.evidence.clip import Clip
from earwitnessd.evidence.folder import EvidenceError, EvidenceFolder
from earwitnessd.evidence.keeper import EvidenceKeeper
from earwitnessd.handover import (
    Answer,
    Ask,
    Failed,
    FromEngine,
    NewRules,
    PeopleFollowed,
    Publish,
    Pulse,
    Ready,
    Refusal,
    Stop,
    ToEngine,
)
from earwitnessd.journal.entry import FIELDS
from earwitnessd.journal.events import EventLog
from earwitnessd.listening.listener import Listener, Parts
from earwitnessd.mailbox import Mailbox
from earwitnessd.profiles import ProfileStore
from earwitnessd.satellite.gateway import Gateway
from earwitnessd.service.following import Following
from earwitnessd.service.memory import resident_mb
from earwitnessd.service.notify import ServiceManager
from earwitnessd.service.public import Attendants, PublicSide
from earwitnessd.service.reloading import Reloading
from earwitnessd.service.sharing import Sharing
from earwitnessd.service.signals import signals
from earwitnessd.service.streams import Streams, UnknownStreamError
from earwitnessd.service.suspension import Suspension
from earwitnessd.service.vitals import Vitals, heartbeat
from earwitnessd.service.watchdog import patience_s, why_stuck
from earwitnessd.settings.addresses import parse_address
from earwitnessd.settings.root import Settings
from earwitnessd.settings.validate import SettingsError
from earwitnessd.sharing.errors import SharingError
from earwitnessd.sharing.giver import Gave
from earwitnessd.version import VERSION

if TYPE_CHECKING:
    from earwitnessd.metrics.scrape import Metrics

log = logging.getLogger(__name__)
E = TypeVar("E", bound=Event)

HEARTBEAT_S = 1.0
STOP_CAPTURE_S = 0.7
STOP_ENGINE_S = 0.7
STOP_S = 1.7  # with all that is stuck
LEAST_S = 0.1


class StartError(Exception):
    """The daemon cannot start: one line that says why and what to do."""


class EngineFailedError(Exception):
    """The engine came to an end while the daemon ran."""


class Service:
    """Owns the zmq context, the public sockets, the signals, the capture processes and the watchdog."""

    def __init__(
        self,
        settings: Settings,
        read_again: Callable[[], Settings],
        open_parts: Callable[[Settings], Parts] = open_parts,
    ) -> None:
        self._settings = settings
        self._open_parts = open_parts
        self._read_again = read_again
        # the same files and overrides, for a reload
        self.boot = str(uuid.uuid4())
        self._stop_reason = ""
        self._failed = ""
        self._engine: Listener | None = None
        self._sharing: Sharing | None = None
        self._following: Following | None = None
        self._reload_wanted = False
        self._stop_by_s = math.inf
        self._pulse: Pulse | None = None
        self._started_s = time.monotonic()
        self._heartbeat_due_s = 0.0
        self._manager = ServiceManager()
        self._event_log = EventLog()
        self._suspension = Suspension()

    def run(self) -> None:
        """Until a signal or a failure; StartError if it cannot start or the engine fails."""
        with ExitStack() as stack:
            self._start(stack)
            self._main_loop()
            self._shut_down()
        if self._failed:
            raise EngineFailedError(self._failed)

    @property
    def _engine_alive(self) -> bool:
        """The engine's thread runs; it may outlive `run` when it is stuck."""
        return self._engine is not None and self._engine.is_alive()

    def _start(self, stack: ExitStack) -> None:
        self._signals = stack.enter_context(signals(self._on_signal))
        endpoints = sockets.resolve(self._settings.sockets)
        for endpoint in (endpoints.events, endpoints.control):
            if lock := sockets.claim(endpoint):
                stack.enter_context(lock)
        self._metrics = self._open_metrics(stack)
        folder = self._open_evidence()
        audio_directory = tempfile.mkdtemp(prefix="earwitness-")
        stack.callback(shutil.rmtree, audio_directory, ignore_errors=True)
        context = zmq.Context()
        stack.callback(self._end_context, context)
        self._public = PublicSide(
            context, self._settings.sockets, self.boot, self._handle, stack, self._on_done
        )
        self._evidence = EvidenceKeeper(context, folder) if folder else None
        self._open_audit(context, stack)
        if self._evidence:
            stack.callback(self._leave, self._evidence)
        self._inbox: Mailbox[ToEngine] = Mailbox(context, "to-engine")
        self._outbox: Mailbox[FromEngine] = Mailbox(context, "to-main")
        audio_endpoint = f"ipc://{audio_directory}/audio"
        windows = self._settings.windows
        cadence = Cadence.of(windows.length_s, windows.hop_s)
        self._gateway = self._open_gateway(context, audio_endpoint, stack)
        self._streams = Streams(audio_endpoint, self.boot, self._inbox.put, cadence, self._gateway)
        self._engine = Listener(
            context,
            audio_endpoint,
            self._settings,
            lambda: self._open_parts(self._settings),
            self._inbox,
            self._outbox,
        )
        self._attendants = self._who_attends()
        self._poller = zmq.Poller()
        for source in self._attendants:
            self._poller.register(source, zmq.POLLIN)
        self._manager.status(f"loading the model {self._settings.model}")
        self._engine.start()
        stack.callback(self._stop_engine)
        self._ready = self._await_engine()
        self._open_sharing(context, stack)
        self._streams.configure(self._settings.streams)
        self._announce()

    def _who_attends(self) -> Attendants:
        """Everything that is there for as long as we are; capture processes come and go besides."""
        attendants: Attendants = {
            **self._public.attendants(),
            self._outbox.receiver: self._on_engine,
            self._signals.fileno(): self._signals.drain,
        }
        if self._gateway:
            attendants[self._gateway.socket] = self._gateway.on_messages
        if self._evidence:
            attendants[self._evidence.receiver] = self._evidence.on_written
        if self._audit:
            attendants[self._audit.receiver] = self._audit.on_written
        if self._metrics:
            attendants[self._metrics.server.fileno()] = self._metrics.server.on_ready
        return attendants

    def _open_metrics(self, stack: ExitStack) -> Metrics | None:
        """Who is not asked for metrics does not load their library."""
        if not self._settings.metrics.listen:
            return None
        from earwitnessd.metrics.scrape import Metrics, MetricsError  # noqa: PLC0415  # as said

        try:
            metrics = Metrics(parse_address(self._settings.metrics.listen))
        except MetricsError as error:
            raise StartError(str(error)) from None
        stack.callback(metrics.server.close)
        log.info("metrics on http://%s/metrics", metrics.server.address)
        return metrics

    def _open_gateway(
        self, context: zmq.Context[zmq.Socket[bytes]], audio_endpoint: str, stack: ExitStack
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
            audio_endpoint,
            self._publish,
            stack,
        )
        self._public.adopt(gateway.door)
        log.info("satellites on %s", gateway.endpoint)
        return gateway

    def _open_sharing(self, context: zmq.Context[zmq.Socket[bytes]], stack: ExitStack) -> None:
        """Only now: the engine has made or migrated the database, and knows the model."""
        settings, model_id = self._settings, self._ready.model_id

        def open_store() -> ProfileStore:
            return reopen_store(settings)

        try:
            if settings.share:
                self._sharing = Sharing(context, settings.share, open_store, model_id)
                stack.callback(self._sharing.close)
                self._attend_to(self._sharing.receiver, self._on_shared)
            if settings.follow:
                self._following = Following(context, settings.follow, open_store, model_id)
                stack.callback(self._following.close)
                self._attend_to(self._following.receiver, self._on_followed)
        except SharingError as error:
            raise StartError(str(error)) from None

    def _attend_to(self, receiver: zmq.Socket[bytes], attend: Callable[[], None]) -> None:
        self._attendants[receiver] = attend
        self._poller.register(receiver, zmq.POLLIN)

    def _open_audit(self, context: zmq.Context[zmq.Socket[bytes]], stack: ExitStack) -> None:
        audit = self._settings.audit
        self._audit = (
            AuditKeeper(context, audit_file(self._settings), audit, self.boot) if audit.keep else None
        )
        if self._audit:
            stack.callback(self._leave, self._audit)

    def _on_done(self, who: str, method: AnyMethod, problem: str) -> None:
        """A control request was answered."""
        if self._audit:
            self._audit.on_done(who, method, problem)
        if self._sharing and not problem and not isinstance(method, FollowProfiles):
            self._sharing.look()

    def _open_evidence(self) -> EvidenceFolder | None:
        try:
            return evidence_folder(self._settings)
        except EvidenceError as error:
            raise StartError(str(error)) from None

    def _await_engine(self) -> Ready:
        """The model may take a while; a signal ends the waiting."""
        poller = zmq.Poller()
        poller.register(self._outbox.receiver, zmq.POLLIN)
        poller.register(self._signals, zmq.POLLIN)
        while True:
            poller.poll(1000)
            for word in self._outbox.drain():
                if isinstance(word, Failed):
                    raise StartError(word.reason)
                if isinstance(word, Ready):
                    return word
            if self._stop_reason:
                raise StartError(f"stopped while loading the model ({self._stop_reason})")
            if not self._engine_alive:
                raise StartError("the engine thread ended without a word")

    def _announce(self) -> None:
        ready, endpoints = self._ready, self._public.endpoints
        begun = {"event": "daemon.started", "boot": self.boot}
        log.info(
            "earwitnessd %s, boot %s, process %d", VERSION, self.boot, os.getpid(), extra={FIELDS: begun}
        )
        log.info("model %s on %s, %d profiles", ready.model_id, ready.device, ready.profiles)
        log.info("decides %s", ready.decision)
        if ready.profiles_other_model:
            log.warning(
                "%d people are enrolled with another model only and cannot be recognised: enrol them with %s",
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
            beat_in_s = self._heartbeat_due_s - time.monotonic() if self._pulse else HEARTBEAT_S
            timeout_s = min(beat_in_s, self._streams.due_in_s(), HEARTBEAT_S)
            ready = dict(self._poller.poll(max(0, int(timeout_s * 1000) + 1)))
            self._notice_sleep()
            self._attend(ready)
            self._streams.tick()
            if self._reload_wanted:
                self._reload_wanted = False
                self._reload()
            if self._pulse and time.monotonic() >= self._heartbeat_due_s:
                self._heartbeat_due_s = time.monotonic() + HEARTBEAT_S
                self._beat()

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
        for word in self._outbox.drain():
            match word:
                case Publish(event):
                    self._publish(event)
                case Clip() if self._evidence:
                    self._evidence.on_clip(word)
                case Answer(token, result):
                    self._public.control.reply(token, result)
                case Refusal(token, code, message):
                    self._public.control.refuse(token, code, message)
                case Pulse():
                    self._pulse = word
                case Failed(reason):
                    self._failed = reason
                    self._stop_reason = self._stop_reason or "the engine failed"
                case Ready():
                    raise AssertionError("the engine is ready twice")

    def _publish(self, event: E) -> E:
        """To subscribers, and to whoever counts."""
        stamped = self._public.publisher.publish(event)
        self._event_log.on_event(stamped)
        if self._evidence:
            self._evidence.on_event(stamped)
        if self._audit:
            self._audit.on_event(stamped)
        if self._metrics:
            self._metrics.figures.on_event(stamped)
        if self._sharing and isinstance(stamped, ProfileEnrolled | ProfileUpdated | ProfileDeleted):
            self._sharing.look()
        return stamped

    def _on_shared(self) -> None:
        """Answers for daemons that follow this one."""
        assert self._sharing
        for word in self._sharing.answers():
            match word:
                case Answer(token, result):
                    self._public.control.reply(token, result)
                case Refusal(token, code, message):
                    self._public.control.refuse(token, code, message)
                case Gave() if self._audit:
                    self._audit.on_given(word)

    def _on_followed(self) -> None:
        """Another daemon's people were put into force here."""
        assert self._following
        for taken in self._following.words():
            self._inbox.put(PeopleFollowed(self._following.writer, taken))
        self._following.tell()

    def _handle(self, token: int, method: AnyMethod, attachment: bytes) -> None:
        """A control request; what concerns the engine goes there."""
        try:
            match method:
                case GetStatus():
                    status = Status(
                        version=VERSION, pid=os.getpid(), boot=self.boot, heartbeat=self._heartbeat()
                    )
                    self._public.control.reply(token, status)
                case PauseStream(stream=stream):
                    self._streams.pause(stream)
                    self._public.control.reply(token, Done(message=f"stream {stream} is paused"))
                case ResumeStream(stream=stream):
                    self._streams.resume(stream)
                    self._public.control.reply(token, Done(message=f"stream {stream} is being opened"))
                case Reload():
                    self._answer_reload(token)
                case EventsSince(boot=boot, seq=seq, topics=topics):
                    self._public.control.reply(token, self._public.publisher.since(boot, seq, topics))
                case FollowProfiles():
                    self._share(token, method)
                case FollowAnew():
                    self._follow_anew(token)
                case _:
                    self._inbox.put(Ask(token, method, attachment, self._public.control.caller(token)))
        except UnknownStreamError as error:
            self._public.control.refuse(token, "not_found", str(error))

    def _share(self, token: int, method: FollowProfiles) -> None:
        control = self._public.control
        if self._sharing:
            self._sharing.ask(token, method, control.key(token), control.caller(token))
        else:
            control.refuse(
                token, "refused", "this daemon shares no profiles: set share.signing_key_file there"
            )

    def _follow_anew(self, token: int) -> None:
        if not self._following:
            self._public.control.refuse(token, "refused", "this daemon follows nobody: `follow` is not set")
            return
        self._following.anew()
        done = f"the people of {self._following.writer} are taken as they are, as soon as it answers"
        self._public.control.reply(token, Done(message=done))

    def _answer_reload(self, token: int) -> None:
        event = self._reload()
        if event.error:
            self._public.control.refuse(token, "refused", event.error)
        else:
            result = Reloaded(
                profiles=event.profiles, changed=event.changed, restart_needed=event.restart_needed
            )
            self._public.control.reply(token, result)

    def _reload(self) -> DaemonReloaded:
        """Put into force what can be without a restart; a bad file changes nothing."""
        self._manager.reloading()
        profiles = self._pulse.profiles if self._pulse else self._ready.profiles
        try:
            new = self._read_again()
            ready = self._ready
            calibrator = find_calibrator(new.decision, ready.model_id, ready.directory)
            rules = rules_for(new.decision, ready.threshold, ready.model, calibrator)
        except (SettingsError, CalibrationError) as problem:
            log.error("reload refused, the old settings stay: %s", problem)
            event = DaemonReloaded(profiles=profiles, changed=[], restart_needed=[], error=str(problem))
        else:
            reloading = Reloading.plan(self._settings, new)
            self._settings = reloading.settings
            self._inbox.put(NewRules(rules, calibrator))
            self._streams.configure(self._settings.streams)
            self._public.reload_keys()
            log.info(
                "reloaded: %s; decides %s", reloading, rules, extra={FIELDS: {"event": "daemon.reloaded"}}
            )
            event = DaemonReloaded(
                profiles=profiles,
                changed=list(reloading.changed),
                restart_needed=list(reloading.restart_needed),
            )
        self._manager.ready()
        return self._publish(event)

    def _beat(self) -> None:
        self._public.tick()
        if self._following:
            self._following.tell()
        if self._metrics:
            self._metrics.server.expire()
        beat = self._publish(self._heartbeat())
        self._manager.status(beat.status)
        reason = self._why_stuck()
        if reason is None:
            self._manager.progress()
        else:
            log.warning("no progress: %s", reason)

    def _heartbeat(self) -> Heartbeat:
        return heartbeat(
            Vitals(
                ready=self._ready,
                pulse=self._pulse or Pulse.first(self._ready.profiles),
                capture=self._streams.status,
                sockets=self._public.state,
                uptime_s=time.monotonic() - self._started_s,
                rss_mb=resident_mb(),
                suspended_s=self._suspension.total_s,
                evidence=self._evidence.state if self._evidence else None,
                audit=self._audit.state if self._audit else None,
                following=self._following.state if self._following else None,
            )
        )

    def _why_stuck(self) -> str | None:
        if self._pulse is None:
            return None
        return why_stuck(self._pulse, time.monotonic_ns(), patience_s(self._manager.watchdog_s))

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
        self._stop_by_s = time.monotonic() + STOP_S
        self._streams.stop(STOP_CAPTURE_S)

    def _leave(self, keeper: AuditKeeper | EvidenceKeeper) -> None:
        """Whoever waits for a disk gets what is left of the time to stop."""
        keeper.close(max(LEAST_S, self._stop_by_s - time.monotonic()))

    def _stop_engine(self) -> None:
        self._inbox.put(Stop())
        assert self._engine is not None
        self._engine.join(STOP_ENGINE_S)
        if self._evidence:
            for word in self._outbox.drain():
                if isinstance(word, Clip):
                    self._evidence.on_clip(word)
        if not self._engine_alive:
            self._inbox.close()
            self._outbox.close()

    def _end_context(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        """Wait for the last events to leave, unless somebody is stuck with a socket open."""
        keepers = {"the audit log": self._audit, "the evidence": self._evidence}
        waiting = [what for what, keeper in keepers.items() if keeper and keeper.stuck]
        if waiting:
            log.warning("the disk does not answer: leaving without the last of %s", " and ".join(waiting))
        if self._engine_alive:
            log.warning("the engine did not stop in time: leaving without it")
        elif not waiting:
            context.term()
