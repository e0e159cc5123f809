"""The subscriber's sockets: what arrives becomes messages and notices, without ever blocking."""

from __future__ import annotations

import contextlib
import os
import struct
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec
import zmq

from ..control.results import Replay
from ..endpoints import Keys, control_beside, default_endpoint, keys_for, secure
from ..events import AnyEvent, ForeignEvent, Heartbeat, decode
from ..notices import Missed, Notice, Skipped
from .asking import Asking
from .gaps import GapTracker
from .link import Link
from .refill import Message, Refill
from .topics import HEARTBEAT, TopicFilter

RECEIVE_HWM = 10_000  # events queued for a slow reader; then the publisher drops, and `seq` tells
MAX_MESSAGE = 8 << 20  # bytes
HEARTBEAT_MS = 500
HEARTBEAT_TIMEOUT_MS = 1500
RECONNECT_MS = 100
RECONNECT_MAX_MS = 2000
KNOCK_AGAIN_S = 3.0  # libzmq gives up for good when a handshake is refused; a key may be allowed later

_REASONS = {
    zmq.EVENT_CONNECT_RETRIED: "no daemon answers there; trying again",
    zmq.EVENT_DISCONNECTED: "the connection broke; trying again",
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "the daemon does not accept our key",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "the other side does not speak our protocol, or wants a key",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "the handshake failed; trying again",
}
_REFUSALS = {zmq.EVENT_HANDSHAKE_FAILED_AUTH, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL}
_WATCHED = zmq.EVENT_HANDSHAKE_SUCCEEDED
for _event in _REASONS:
    _WATCHED |= _event


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of everything that was published since subscribing."""

    received: int
    # events handed on
    missed: int
    # published, never arrived
    filled: int = 0
    # of those received, the ones that had been missed and were asked for
    duplicates: int
    # last values we had already
    undecodable: int
    # bodies that are no event; `missed` counts them too, since nobody can read their number
    unknown: dict[str, int]
    # events of types that this version does not know, by type


class Registers(Protocol):
    """What `zmq.Poller` and `zmq.asyncio.Poller` have in common."""

    def register(self, socket: zmq.Socket[bytes] | int, flags: int = ...) -> None:
        """Also wait for this."""


class EventSocket:
    """SUB socket, its monitor, a bell to wake the reader, and the pure trackers; owned by one thread."""

    def __init__(
        self,
        endpoint: str | None,
        topics: Iterable[str],
        keys: Keys | None,
        *,
        control: str | None = None,
        fill: bool = True,
    ) -> None:
        self._filter = TopicFilter.of([topics] if isinstance(topics, str) else topics)
        self.link = Link(endpoint or default_endpoint("events"))
        self._gaps = GapTracker(complete=self._filter.complete)
        self._pending: deque[Message | Notice] = deque()
        self._refill = Refill()
        self._held: deque[list[bytes]] = deque()  # heard while a question waits for its answer
        self._asked_before = 0
        self._knock_at: float | None = None
        self._asking: Asking | None = None
        self._received = self._missed = self._filled = self._duplicates = self._undecodable = 0
        self._unknown: Counter[str] = Counter()
        self._bell_out, self._bell_in = os.pipe()
        os.set_blocking(self._bell_out, False)
        os.set_blocking(self._bell_in, False)
        self._context = zmq.Context()
        try:
            self._connect(keys)
            if fill and (control := control or control_beside(endpoint)):
                self._asking = Asking(self._context, control, self._filter.prefixes, keys)
        except BaseException:
            self.close()
            raise

    def _connect(self, keys: Keys | None) -> None:
        self._events: zmq.Socket[bytes] = self._context.socket(zmq.SUB)
        self._events.linger = 0
        self._events.rcvhwm = RECEIVE_HWM
        self._events.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
        self._events.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
        self._events.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
        self._events.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        self._events.setsockopt(zmq.RECONNECT_IVL_MAX, RECONNECT_MAX_MS)
        for prefix in self._filter.on_the_wire:
            self._events.subscribe(prefix)
        self._monitor: zmq.Socket[bytes] = self._events.get_monitor_socket(_WATCHED)
        secure(self._events, self.link.endpoint, keys or keys_for(self.link.endpoint))
        try:
            self._events.connect(self.link.endpoint)
        except zmq.ZMQError as error:
            raise ValueError(f"{self.link.endpoint!r} is not an endpoint: {error}") from error

    @property
    def counts(self) -> Counts:
        """The totals so far."""
        return Counts(
            received=self._received,
            missed=self._missed,
            filled=self._filled,
            duplicates=self._duplicates,
            undecodable=self._undecodable,
            unknown=dict(self._unknown),
        )

    def register(self, poller: Registers) -> None:
        """Make a poller wake up for whatever `take` could return, and for the bell."""
        poller.register(self._events, zmq.POLLIN)
        poller.register(self._monitor, zmq.POLLIN)
        poller.register(self._bell_out, zmq.POLLIN)
        if self._asking:
            poller.register(self._asking.socket, zmq.POLLIN)

    def patience_s(self, now: float) -> float | None:
        """How long there is nothing to do if nothing arrives; None: for ever."""
        if self._asking and self._asking.open:
            return self._asking.patience_s(now)
        if self._knock_at is not None:
            return max(0.0, self._knock_at - now)
        return self.link.patience_s(now)

    def ring(self) -> None:
        """Wake whoever polls; safe in signal handlers and from other threads."""
        with contextlib.suppress(OSError):  # full: it rings already; closed: nobody sleeps
            os.write(self._bell_in, b"!")

    def silence_bell(self) -> bool:
        """Tell whether the bell rang, and reset it."""
        with contextlib.suppress(BlockingIOError):
            return bool(os.read(self._bell_out, 4096))
        return False

    def take(self, now: float) -> Message | Notice | None:
        """Return the next thing there is; None if there is nothing at `now` (monotonic seconds)."""
        self._read_monitor(now)
        if self._knock_at is not None and now >= self._knock_at:
            self._knock_again()
        while not self._pending:
            if self._asking and self._asking.open:
                self._hold(now)
                self._await(self._asking, now)
                if self._asking.open:
                    break
            if self._held:
                self._on_frames(self._held.popleft(), now)
                continue
            try:
                frames = self._events.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                self._say(self.link.on_quiet(now))
                break
            self._say(self.link.on_heard(now))
            self._on_frames(frames, now)
        return self._pending.popleft() if self._pending else None

    def close(self) -> None:
        """Free everything; twice is fine."""
        if self._context.closed:
            return
        self._context.destroy(linger=0)
        ends = (self._bell_in, self._bell_out)
        self._bell_in = self._bell_out = -1  # the numbers may soon belong to somebody else's files
        for end in ends:
            os.close(end)

    def _say(self, notice: Notice | None) -> None:
        if notice is not None:
            self._pending.append(notice)

    def _read_monitor(self, now: float) -> None:
        while self._monitor.poll(0):
            what, _ = struct.unpack("=hi", self._monitor.recv_multipart(zmq.NOBLOCK)[0])
            if what == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._say(self.link.on_connected(now))
            elif what in _REASONS:
                if what in _REFUSALS:
                    self._knock_at = now + KNOCK_AGAIN_S
                self._gaps.on_broken()
                self._say(self.link.on_disconnected(_REASONS[what]))

    def _knock_again(self) -> None:
        self._knock_at = None
        with contextlib.suppress(zmq.ZMQError):  # it was trying still
            self._events.disconnect(self.link.endpoint)
        self._events.connect(self.link.endpoint)

    def _hold(self, now: float) -> None:
        """Keep what arrives for later; more than we can keep waits in the socket."""
        while len(self._held) < RECEIVE_HWM:
            try:
                self._held.append(self._events.recv_multipart(zmq.NOBLOCK))
            except zmq.Again:
                return
            self._say(self.link.on_heard(now))

    def _await(self, asking: Asking, now: float) -> None:
        """Take the parts of an answer that are there; without one, what was missed stays so."""
        while (replay := asking.answer(now)) is not None:
            events = list(_messages(replay))
            partly = asking.open and bool(events)
            self._refill.on_answer(replay.boot, events[-1].event.seq if partly else replay.seq, events)
        if not asking.open:
            self._refill.give_up(self._asked_before)

    def _on_frames(self, frames: list[bytes], now: float) -> None:
        topic = frames[0].decode(errors="replace")
        wanted = self._filter.wants(topic)
        if not wanted and topic != HEARTBEAT:
            return
        try:
            if len(frames) < 2:
                raise msgspec.DecodeError("an event has two frames")  # noqa: TRY301
            event = decode(frames[1])
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._undecodable += 1
            return
        if isinstance(event, Heartbeat):
            self.link.silence_s = event.ttl_s
        self._say(self._gaps.on_boot(event.boot))
        if self._asking and self._asked(self._asking, topic, event, now):
            self._held.appendleft(frames)
            return
        for message in self._refill.before(event.boot, event.seq):
            self._on_event(message, filled=True)
        if wanted:
            self._on_event(Message(topic, frames[1], event))
        else:
            self._gaps.on_heard(topic, event)

    def _asked(self, asking: Asking, topic: str, event: AnyEvent | ForeignEvent, now: float) -> bool:
        """Ask for what may be missing before this event; true if an answer can be hoped for."""
        since = self._gaps.lacking(topic, event)
        question = self._refill.question(event.boot, since, event.seq)
        if question is None:
            return False
        if asking.ask(question, now):
            self._asked_before = event.seq
            return True
        self._refill.give_up(event.seq)
        return False

    def _on_event(self, message: Message, *, filled: bool = False) -> None:
        if filled and not self._filter.wants(message.topic):
            return
        sighting = self._gaps.on_event(message.topic, message.event)
        for notice in sighting.notices:
            if isinstance(notice, Missed):
                self._missed += notice.count
            self._pending.append(notice)
        if not sighting.fresh:
            self._duplicates += not filled
            return
        self._received += 1
        self._filled += filled
        self._missed -= sighting.late
        if isinstance(message.event, ForeignEvent):
            if message.event.type not in self._unknown:
                self._pending.append(Skipped(type=message.event.type))
            self._unknown[message.event.type] += 1
        self._pending.append(message)


def _messages(replay: Replay) -> Iterator[Message]:
    """Its events as if they had arrived one by one; what is none is left out."""
    for fields in replay.events:
        body = msgspec.json.encode(fields)
        try:
            event = decode(body)
        except msgspec.DecodeError:
            continue
        parts = (fields.get(name) for name in ("type", "stream", "speaker"))
        yield Message(".".join(str(part) for part in parts if part), body, event)
