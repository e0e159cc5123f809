"""The socket to remote engines: windows out, newest first and few at a time, vectors in until a deadline."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import zmq
from zmq.utils.monitor import parse_monitor_message

from earwitnessd.engines import EmbedError, Vectors
from earwitnessd.engines.remote.wire import (
    LARGEST_MESSAGE,
    Identity,
    Int16,
    Reply,
    Request,
    WireError,
    pack_request,
    unpack_reply,
)

HEARTBEAT_MS = 500
SILENT_AFTER_MS = 2000
# a link that is cut without a word is noticed by then
HANDSHAKE_WITHIN_MS = 3000
UP = zmq.EVENT_HANDSHAKE_SUCCEEDED
DOWN = zmq.EVENT_DISCONNECTED
REFUSED = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
FAILED = REFUSED | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL


class RemoteError(EmbedError):
    """Remote engines that cannot be used; the message says why."""


class WrongModelError(RemoteError):
    """They compute another model: nothing of it may be used."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Keys in Z85: who we are, and who they must be."""

    public: bytes
    secret: bytes
    server: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """Where the gates are, and how much is asked of them at once."""

    addresses: Sequence[str]
    curve: Curve | None = None
    windows_a_request: int = 8
    requests_in_flight: int = 8


@dataclass(slots=True)
class Tally:
    """Since the start, of all links of a daemon. Requests: sent = answered + failed + late + in flight."""

    sent: int = 0
    answered: int = 0
    failed: int = 0
    # answered with a refusal, or with what may not be used
    late: int = 0
    # not answered before their deadline, or their link was lost
    round_trip_ms: float = 0.0
    # of the last answer


@dataclass(eq=False, slots=True)
class _Asked:
    """A batch on its way: `waiting` rows are not yet sent, the newest are last; `flying` are, by id."""

    samples: Int16
    until_s: float
    waiting: int
    flying: dict[int, tuple[int, int, float]] = field(default_factory=dict)
    # rows from, to, and when they were sent
    vectors: Vectors | None = None
    trouble: str = ""


class Link:
    """Belongs to one thread at a time: made by whoever opens it, then handed to the engine thread."""

    def __init__(
        self,
        place: Place,
        expects: Identity | None,
        tally: Tally,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place = place
        self._expects = expects
        self.tally = tally
        self._clock = clock
        self._last_id = 0
        self._up = 0
        self._refusal = ""
        self.device = ""
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        try:
            self._monitor = self._socket.get_monitor_socket(UP | DOWN | FAILED)
            self._end = weakref.finalize(self, _end, self._context, self._socket, self._monitor)
            self._set_up()
        except zmq.ZMQError as error:
            self.close()
            raise RemoteError(f"{' and '.join(place.addresses)}: cannot connect: {error.strerror}") from error
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(self._monitor, zmq.POLLIN)

    def _set_up(self) -> None:
        socket, curve = self._socket, self._place.curve
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.IMMEDIATE, 1)  # nothing waits for a gate that is not there
        socket.set(zmq.SNDHWM, self._place.requests_in_flight)
        socket.set(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        socket.set(zmq.HANDSHAKE_IVL, HANDSHAKE_WITHIN_MS)
        socket.set(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
        socket.set(zmq.HEARTBEAT_TIMEOUT, SILENT_AFTER_MS)
        socket.set(zmq.RECONNECT_IVL_MAX, 2000)
        if curve:
            socket.curve_publickey, socket.curve_secretkey = curve.public, curve.secret
            socket.curve_serverkey = curve.server
        for address in self._place.addresses:
            socket.connect(address)

    def wait_until_up(self, within_s: float) -> None:
        """`RemoteError` if no gate lets us in by then."""
        until_s = self._clock() + within_s
        while not self._up:
            left_ms = int(1000 * (until_s - self._clock()))
            if left_ms <= 0 or self._refusal:
                raise RemoteError(self._refusal or f"nobody answers at {self._named}")
            if self._monitor.poll(left_ms):
                self._on_monitor()

    def ask(self, samples: Int16, within_s: float) -> tuple[Vectors | None, str]:
        """A row a window, NaN where none came in time; and why, for people. None: there is none at all."""
        asked = _Asked(samples, self._clock() + within_s, waiting=len(samples))
        try:
            self._exchange(asked, within_s)
        finally:
            self.tally.late += len(asked.flying)
        return asked.vectors, asked.trouble

    def _exchange(self, asked: _Asked, within_s: float) -> None:
        self._on_monitor()
        while True:
            self._send(asked)
            left_ms = int(1000 * (asked.until_s - self._clock()))
            if not asked.flying:
                break
            if left_ms <= 0:
                asked.trouble = asked.trouble or f"no answer within {within_s:g} s"
                break
            ready = dict(self._poller.poll(left_ms))
            if self._socket in ready:
                self._receive(asked)
            if self._monitor in ready:
                self._on_monitor()
                if not self._up and asked.flying:
                    asked.trouble = asked.trouble or f"the connection to {self._named} broke"
                    break

    def _send(self, asked: _Asked) -> None:
        """As much as may be on its way at once; the newest windows first."""
        place = self._place
        while asked.waiting and not asked.trouble and len(asked.flying) < place.requests_in_flight:
            stop = asked.waiting
            start = max(0, stop - place.windows_a_request)
            within_ms = max(1, int(1000 * (asked.until_s - self._clock())))
            self._last_id += 1
            request = Request(
                id=self._last_id,
                windows=stop - start,
                samples=asked.samples.shape[1],
                within_ms=within_ms,
                expects=self._expects,
            )
            try:
                self._socket.send_multipart(pack_request(request, asked.samples[start:stop]), zmq.DONTWAIT)
            except zmq.Again:
                if not asked.flying:
                    asked.trouble = self._refusal or f"no connection to {self._named}"
                return
            self.tally.sent += 1
            asked.flying[request.id] = (start, stop, self._clock())
            asked.waiting = start

    def _receive(self, asked: _Asked) -> None:
        """All that has come; answers to what was given up are too late for anybody."""
        while True:
            try:
                frames = self._socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            try:
                reply, vectors = unpack_reply(frames)
            except WireError as error:
                asked.trouble = asked.trouble or f"{self._named} sent what is no answer: {error}"
                continue
            if (sent := asked.flying.pop(reply.id, None)) is not None:
                self._take(asked, reply, vectors, sent)

    def _take(
        self, asked: _Asked, reply: Reply, vectors: Vectors | None, sent: tuple[int, int, float]
    ) -> None:
        start, stop, sent_s = sent
        wrong = self._wrong(reply)
        if reply.status == "wrong_model" or wrong:
            self.tally.failed += 1
            raise WrongModelError(wrong or reply.says)
        if vectors is None or len(vectors) != stop - start:
            self.tally.failed += 1
            says = reply.says or f"{self._named} answered with the wrong number of vectors"
            asked.trouble = asked.trouble or says
            return
        self.tally.answered += 1
        self.tally.round_trip_ms = 1000 * (self._clock() - sent_s)
        self.device = reply.device
        if asked.vectors is None:
            asked.vectors = np.full((len(asked.samples), reply.dimensions), np.nan, np.float32)
        asked.vectors[start:stop] = vectors

    def _wrong(self, reply: Reply) -> str:
        """Why an answer may not be used; every one says whose it is."""
        if self._expects is None or reply.status != "done" or reply.identity == self._expects:
            return ""
        return f"{self._named} computes {reply.identity}, and {self._expects} is expected"

    def _on_monitor(self) -> None:
        """Take note of connections that came and went."""
        while self._monitor.poll(0):
            what = parse_monitor_message(self._monitor.recv_multipart())["event"]
            if what == UP:
                self._up += 1
                self._refusal = ""
            elif what == DOWN:
                self._up = max(0, self._up - 1)
            elif what & REFUSED:
                self._refusal = f"{self._named} refuses this daemon's key, or is no gate for its server_key"

    @property
    def _named(self) -> str:
        return " and ".join(self._place.addresses)

    def close(self) -> None:
        """Nothing is waited for."""
        self._end()


def _end(
    context: zmq.Context[zmq.Socket[bytes]], socket: zmq.Socket[bytes], monitor: zmq.Socket[bytes]
) -> None:
    socket.disable_monitor()
    monitor.close(linger=0)
    socket.close(linger=0)
    context.term()
