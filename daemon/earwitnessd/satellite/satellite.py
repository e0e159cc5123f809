"""The satellite: keeps a capture process running, and passes on what it says to a daemon elsewhere."""

from __future__ import annotations

import logging
import os
import platform
import shutil
import signal
import tempfile
import time
import uuid
from contextlib import ExitStack
from pathlib import Path

import msgspec
import zmq

from earwitnessd.capture.cadence import Cadence
from earwitnessd.capture.inbox import Inbox
from earwitnessd.capture.job import Manner
from earwitnessd.capture.supervisor import CaptureSupervisor, Transition
from earwitnessd.capture.words import RATE, Alive, AnyMessage, Ended, Opened, decode, encode
from earwitnessd.satellite.backlog import Backlog, Frames
from earwitnessd.satellite.keys import LinkKeys
from earwitnessd.satellite.settings import SatelliteSettings
from earwitnessd.satellite.uplink import Condition, Uplink
from earwitnessd.service.notify import ServiceManager
from earwitnessd.service.signals import signals
from earwitnessd.service.suspension import Suspension

MESSAGES_A_TURN = 64
BEAT_S = 1.0
STOP_S = 0.7
NAME = "mic"
# what our capture process calls its stream; the daemon knows what it is called there

log = logging.getLogger(__name__)


class Satellite:
    """One thread: signals, capture process, link. It starts with the daemon away, and goes on without it."""

    def __init__(self, settings: SatelliteSettings, keys: LinkKeys) -> None:
        self._settings = settings
        self._run = uuid.uuid4().hex
        self._backlog = Backlog(settings.buffer_s)
        self._uplink = Uplink(settings.daemon, keys, self._backlog, self._run, platform.node())
        self._manager = ServiceManager()
        self._stop_reason = ""
        self._open: Opened | None = None
        # how the present opening began; None: its end was told
        self._beat_due_s = 0.0
        self._suspension = Suspension()

    def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        with ExitStack() as stack:
            self._signals = stack.enter_context(signals(self._on_signal))
            stack.callback(self._uplink.close)
            self._open_capture(stack)
            self._supervisor.start(time.monotonic())
            log.info("satellite for %s, process %d", self._settings.daemon, os.getpid())
            self._manager.ready()
            while not self._stop_reason:
                self._turn()
            log.info("stopping: %s", self._stop_reason)
            self._manager.stopping()
            self._stop_capture()
            self._uplink.send(time.monotonic())
            log.info("%s", self._account())

    def _open_capture(self, stack: ExitStack) -> None:
        folder = tempfile.mkdtemp(prefix="earwitness-")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        path = str(Path(folder) / "audio")
        self._audio = Inbox(path)
        stack.callback(self._audio.close)
        block = round(self._settings.block_s * RATE)
        self._supervisor = CaptureSupervisor(
            NAME,
            self._settings.source,
            path,
            self._run,
            cadence=Cadence(window=block, hop=block, most=block),
            manner=Manner(encoding="s16", speech_only=self._settings.send == "speech"),
        )
        stack.callback(self._supervisor.close)

    def _on_signal(self, number: int) -> None:
        if number != signal.SIGHUP:
            self._stop_reason = signal.Signals(number).name

    def _turn(self) -> None:
        now_s = time.monotonic()
        timeout_s = min(
            self._supervisor.due_in_s(now_s), self._uplink.due_in_s(now_s), self._beat_due_s - now_s
        )
        poller = self._poller()
        ready = dict(poller.poll(max(0, int(timeout_s * 1000) + 1)))
        now_s = time.monotonic()
        if slept_s := self._suspension.slept_s():
            self._supervisor.reopen(now_s, f"the machine slept for {slept_s:.0f} s")
        if self._signals.fileno() in ready:
            self._signals.drain()
        self._take_audio()
        for transition in self._look_after_capture(now_s):
            self._on_transition(transition)
        if self._uplink.socket in ready:
            self._uplink.on_readable(now_s, self._condition())
        self._uplink.tick(now_s)
        self._follow_wish(now_s)
        if now_s >= self._beat_due_s:
            self._beat_due_s = now_s + BEAT_S
            self._manager.progress()
            self._manager.status(self._status())

    def _poller(self, *, linked: bool = True) -> zmq.Poller:
        poller = zmq.Poller()
        poller.register(self._signals, zmq.POLLIN)
        for fd in (*self._audio.filenos(), *self._supervisor.filenos()):
            poller.register(fd, zmq.POLLIN)
        if linked and self._uplink.socket is not None:
            poller.register(self._uplink.socket, zmq.POLLIN)
        return poller

    def _look_after_capture(self, now_s: float) -> list[Transition]:
        transitions = self._supervisor.tick(now_s)
        if transitions:
            self._take_audio()  # its last words come before what we say of its end
        return transitions

    def _take_audio(self) -> None:
        for _ in range(MESSAGES_A_TURN):
            frames = self._audio.take()
            if frames is None:
                return
            try:
                message = decode(frames[0])
            except msgspec.DecodeError as error:
                log.warning("a message of the capture process makes no sense: %s", error)
                continue
            self._on_message(message, frames)

    def _on_message(self, message: AnyMessage, frames: Frames) -> None:
        if isinstance(message, Alive):
            self._uplink.pass_by(message, frames)
            return
        if isinstance(message, Opened):
            self._open = message
        elif isinstance(message, Ended):
            if self._open is None or self._open.stream_id != message.stream_id:
                return  # it never opened, or we have said that it ended
            self._open = None
        self._backlog.put(message, frames)
        self._uplink.send(time.monotonic())

    def _on_transition(self, transition: Transition) -> None:
        """A process that was killed could not say that it ended."""
        opened = self._open
        if transition.state not in {"backing_off", "failed"} or opened is None:
            return
        ended = Ended(
            stream=opened.stream,
            stream_id=opened.stream_id,
            monotonic_ns=time.monotonic_ns(),
            reason=transition.reason,
            final=transition.state == "failed",
            position=0,
        )
        self._on_message(ended, [encode(ended)])

    def _follow_wish(self, now_s: float) -> None:
        """The daemon may have its stream paused."""
        paused = self._supervisor.status.state == "paused"
        if self._uplink.listening and paused:
            self._supervisor.resume(now_s)
        elif not self._uplink.listening and not paused:
            self._supervisor.pause(now_s)

    def _stop_capture(self) -> None:
        now_s = time.monotonic()
        deadline_s = now_s + STOP_S
        self._supervisor.stop(now_s)
        while self._supervisor.running and (left_s := deadline_s - time.monotonic()) > 0:
            self._poller(linked=False).poll(int(left_s * 1000) + 1)
            self._take_audio()
            self._supervisor.tick(time.monotonic())
        self._take_audio()

    def _account(self) -> str:
        """What became of everything that was heard here."""
        backlog = self._backlog
        return (
            f"of {backlog.heard_samples} samples heard, {backlog.lost_samples} were dropped while the daemon "
            f"was away, and {backlog.waiting_samples} are not known to have arrived"
        )

    def _condition(self) -> Condition:
        status = self._supervisor.status
        return Condition(status.state, "" if status.state == "listening" else status.reason)

    def _status(self) -> str:
        """One line for systemctl status."""
        status = self._supervisor.status
        heard = f"heard as {self._uplink.stream}" if self._uplink.up else self._uplink.trouble or "connecting"
        reason = f" ({status.reason})" if status.reason and status.state != "listening" else ""
        waiting = f"; {self._backlog.waiting_s:.0f} s waiting" if self._backlog.waiting_s >= 1.0 else ""
        return f"{status.state}{reason}; {heard}{waiting}"
