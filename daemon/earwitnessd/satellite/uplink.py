"""The satellite's link to the daemon: one connection after the other, each begun with a hello."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

import msgspec
import zmq

from earwitnessd.capture.words import RATE, Alive
from earwitnessd.satellite import link
from earwitnessd.satellite.allowance import Allowance
from earwitnessd.satellite.backlog import Backlog, Frames, Kept
from earwitnessd.satellite.keys import LinkKeys
from earwitnessd.version import VERSION

SHORTEST_WAIT_S = 0.5
LONGEST_WAIT_S = 2.0
# a try costs little, and each second may cost audio
HEARTBEAT_MS = 1000
CATCH_UP_BURST_S = 2.0
WHOLE_S = 0.001
NEVER_MS = 24 * 3600 * 1000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Condition:
    """How the capture process is, for the daemon."""

    state: str
    reason: str


class Uplink:
    """Owned by the satellite's only thread; nothing in it waits, and it takes the time from outside.

    libzmq must not connect again by itself: what it still held for the old connection would come before the
    hello of the new one. It is told to wait for longer than we do, not to refrain: then it would look its
    address up among the interfaces, which a confined service may not, and abort.
    """

    def __init__(self, endpoint: str, keys: LinkKeys, backlog: Backlog, run: str, machine: str) -> None:
        self.socket: zmq.Socket[bytes] | None = None
        self.up = False
        self.stream = ""
        # what the daemon calls us
        self.listening = True
        # false: it wants the microphone to be let go of
        self.trouble = ""
        # why we are not heard; empty while we are
        self._endpoint = endpoint
        self._keys = keys
        self._backlog = backlog
        self._run = run
        self._machine = machine
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._answered = False
        self._heard_s = 0.0
        self._due_s = 0.0
        # of the next connection, while there is none
        self._wait_s = SHORTEST_WAIT_S
        self._speed = Allowance(link.CATCH_UP * RATE, CATCH_UP_BURST_S * RATE)
        self._next: Kept | None = None
        # taken from the backlog, but not sent: it would be too fast

    def due_in_s(self, now_s: float) -> float:
        """Call `tick` after this many seconds at the latest."""
        if self.socket is None:
            return max(0.0, self._due_s - now_s)
        silent_s = max(0.0, self._heard_s + link.SILENT_S - now_s)
        if self._next is None or self._backlog.on_the_way > link.WINDOW:
            return silent_s
        return min(silent_s, self._speed.due_in_s(self._next.samples, now_s) + WHOLE_S)

    def tick(self, now_s: float) -> None:
        """Connect, or give a silent connection up; send what is due."""
        if self.socket is None:
            if now_s >= self._due_s:
                self._connect(now_s)
        elif now_s >= self._heard_s + link.SILENT_S:
            self._give_up(f"nothing came from {self._endpoint} for {now_s - self._heard_s:.0f} s", now_s)
        self.send(now_s)

    def on_readable(self, now_s: float, condition: Condition) -> None:
        """Take what the daemon said."""
        while self.socket is not None:
            try:
                frames = self.socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            try:
                word = link.from_daemon(frames[0])
            except (msgspec.DecodeError, IndexError) as error:
                self._give_up(f"{self._endpoint} says what no daemon says: {error}", now_s)
                return
            self._heard_s = now_s
            self._obey(word, condition, now_s)

    def send(self, now_s: float) -> None:
        """As much of the backlog as may be on its way, no faster than the daemon can follow."""
        while self.up and self._answered and self.socket is not None:
            if self._next is None and self._backlog.on_the_way < link.WINDOW:
                self._next = self._backlog.take()
            kept = self._next
            if kept is None or not self._speed.take(kept.samples, now_s):
                return
            if not self._say(link.Block(number=kept.number), kept.frames):
                return
            self._next = None

    def pass_by(self, message: Alive, frames: Frames) -> None:
        """Say at once what nobody misses if it gets lost."""
        assert isinstance(message, Alive)
        if self.up and self._answered:
            self._say(link.Block(number=0), frames)

    def close(self) -> None:
        """Let what was sent leave, a moment at the most."""
        if self.socket is not None:
            self.socket.close(linger=300)
            self.socket = None
        self._context.term()

    def _connect(self, now_s: float) -> None:
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.set(zmq.LINGER, 0)
        self.socket.set(zmq.SNDHWM, 2 * link.WINDOW)
        self.socket.set(zmq.RECONNECT_IVL, NEVER_MS)
        self.socket.set(zmq.IPV6, 1)
        self.socket.set(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
        self.socket.set(zmq.HEARTBEAT_TIMEOUT, round(link.SILENT_S * 1000))
        self._keys.secure(self.socket)
        self._heard_s, self._answered = now_s, False
        try:
            self.socket.connect(self._endpoint)
        except zmq.ZMQError as error:
            self._give_up(f"{self._endpoint}: {error.strerror}", now_s)
            return
        hello = link.Hello(protocol=link.PROTOCOL, run=self._run, machine=self._machine, version=VERSION)
        self._say(hello, [])

    def _obey(self, word: link.FromDaemon, condition: Condition, now_s: float) -> None:
        match word:
            case link.Welcome():
                self._on_welcome(word)
            case link.Refused(reason=reason, again_in_s=again_in_s):
                self._give_up(f"the daemon refuses this satellite: {reason}", now_s, again_in_s)
            case link.Taken(number=number):
                self._backlog.taken(number)
                self.send(now_s)
            case link.Ask():
                self.listening = word.listening
                self._answer(word, condition)
                self.send(now_s)

    def _on_welcome(self, word: link.Welcome) -> None:
        log.info(
            "the daemon at %s hears us as stream %s; %.1f s of audio are waiting",
            self._endpoint,
            word.stream,
            self._backlog.waiting_s,
        )
        self.up, self.stream, self.trouble = True, word.stream, ""
        self._wait_s = SHORTEST_WAIT_S
        self._next = None
        self._backlog.rewind(word.taken)

    def _answer(self, ask: link.Ask, condition: Condition) -> None:
        heard_ns = time.monotonic_ns()
        answer = link.Answer(
            asked_ns=ask.asked_ns,
            heard_ns=heard_ns,
            answered_ns=time.monotonic_ns(),
            wall_ns=time.time_ns(),
            waiting_s=self._backlog.waiting_s,
            state=condition.state,
            reason=condition.reason,
        )
        self._answered = self._say(answer, []) or self._answered

    def _say(self, word: link.Word, frames: Frames) -> bool:
        assert self.socket is not None
        try:
            self.socket.send_multipart([link.encode(word), *frames], zmq.DONTWAIT)
        except zmq.Again:  # the silence will be noticed
            return False
        return True

    def _give_up(self, reason: str, now_s: float, wait_s: float = 0.0) -> None:
        if reason != self.trouble:
            log.warning("%s; %.1f s of audio are waiting", reason, self._backlog.waiting_s)
        self.trouble, self.up, self._next = reason, False, None
        if self.socket is not None:
            self.socket.close(linger=0)
            self.socket = None
        self._due_s = now_s + max(wait_s, self._wait_s)
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
