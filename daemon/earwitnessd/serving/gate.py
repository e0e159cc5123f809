"""Where daemons connect: takes requests off a socket, has them computed, and sends the answers back."""

from __future__ import annotations

import logging
import os
import socket as sockets
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import zmq
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator

from earwitnessd.engines import Vectors
from earwitnessd.engines.remote.wire import (
    LARGEST_MESSAGE,
    Identity,
    Int16,
    Reply,
    Request,
    WireError,
    pack_reply,
    unpack_request,
)
from earwitnessd.serving.wish import ServingError
from earwitnessd.serving.work import Answered, Asked

log = logging.getLogger(__name__)

DOMAIN = "embeddings"
HEARTBEAT_MS = 1000
SILENT_AFTER_MS = 5000
HANDSHAKE_WITHIN_MS = 3000
MOST_CONNECTIONS = 4096
LOOK_MS = 1000
ENDED_WITHIN_S = 5.0


class BusyError(Exception):
    """More requests wait than may."""


Compute = Callable[[Asked], Answered]
# TimeoutError, `BusyError`, or whatever goes wrong


@dataclass(frozen=True, slots=True)
class Keys:
    """The gate's own secret, and the directory of public keys (*.key) that may come in."""

    secret_file: Path
    clients: Path


class Gate:
    """A thread of its own owns the socket; workers compute, and hand their answers over by a socket too."""

    def __init__(
        self,
        address: str,
        identity: Identity,
        compute: Compute,
        keys: Keys | None = None,
        workers: int = 32,
        queued: int = 64,
    ) -> None:
        self._identity = identity
        self._compute = compute
        self._most = workers + queued
        self._waiting = 0
        # requests that were taken and not yet answered; the gate's thread's
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._guard = self._guarded(keys) if keys else None
        self._front = self._context.socket(zmq.ROUTER)
        self._answers = _Answers()
        self._stopping = threading.Event()
        try:
            self.address = self._bind(address, keys)
        except ServingError:
            self._release()
            raise
        self._workers = ThreadPoolExecutor(workers, "embed")
        self._thread = threading.Thread(target=self._run, name="gate", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Who waits gets no answer any more."""
        self._stopping.set()
        self._answers.wake()
        self._thread.join(ENDED_WITHIN_S)
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._release()

    def _release(self) -> None:
        self._front.close(linger=0)
        self._answers.close()
        if self._guard:
            self._guard.stop()
        self._context.term()

    def _guarded(self, keys: Keys) -> ThreadAuthenticator:
        if not keys.clients.is_dir():
            raise ServingError(
                f"--clients {keys.clients}: no such directory; the daemons' public keys (*.key) go there"
            )
        guard = ThreadAuthenticator(self._context)
        guard.start()
        guard.configure_curve(domain=DOMAIN, location=str(keys.clients))
        return guard

    def _bind(self, address: str, keys: Keys | None) -> str:
        front = self._front
        front.set(zmq.LINGER, 0)
        front.set(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        front.set(zmq.HANDSHAKE_IVL, HANDSHAKE_WITHIN_MS)
        front.set(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
        front.set(zmq.HEARTBEAT_TIMEOUT, SILENT_AFTER_MS)
        front.set(zmq.BACKLOG, MOST_CONNECTIONS)
        if keys:
            front.curve_secretkey = _secret(keys.secret_file)
            front.curve_server = True
            front.zap_domain = DOMAIN.encode()
        before = os.umask(0o117)  # an ipc socket is its owner's and its group's
        try:
            front.bind(address)
        except zmq.ZMQError as error:
            raise ServingError(f"--listen {address}: cannot bind: {error.strerror}") from error
        finally:
            os.umask(before)
        return str(front.get_string(zmq.LAST_ENDPOINT))

    def _run(self) -> None:
        poller = zmq.Poller()
        poller.register(self._front, zmq.POLLIN)
        poller.register(self._answers.fileno(), zmq.POLLIN)
        while not self._stopping.is_set():
            ready = dict(poller.poll(LOOK_MS))
            for frames in self._answers.take():
                self._waiting -= 1
                self._send(frames)
            if self._front in ready:
                self._take(self._front.recv_multipart())

    def _take(self, frames: list[bytes]) -> None:
        client, *message = frames
        try:
            request, samples = unpack_request(message)
        except WireError as error:
            log.warning("a message makes no sense: %s", error)
            return
        if (refusal := self._refusal(request)) is not None:
            self._send([client, *pack_reply(refusal)])
            return
        self._waiting += 1
        until_s = time.monotonic() + request.within_ms / 1000
        self._workers.submit(self._work, client, request, samples, until_s)

    def _refusal(self, request: Request) -> Reply | None:
        if request.expects not in {None, self._identity}:
            says = f"{self._identity} is served here, and {request.expects} is expected"
            return Reply(id=request.id, status="wrong_model", identity=self._identity, says=says)
        if self._waiting >= self._most:
            says = f"{self._waiting} requests wait already"
            return Reply(id=request.id, status="busy", identity=self._identity, says=says)
        return None

    def _send(self, frames: list[bytes]) -> None:
        try:
            self._front.send_multipart(frames, zmq.DONTWAIT)
        except zmq.ZMQError as error:  # it has left, or does not read
            log.debug("an answer could not be sent: %s", error.strerror)

    def _work(self, client: bytes, request: Request, samples: Int16, until_s: float) -> None:
        """In a worker's thread."""
        reply, vectors = self._answer(request, samples, until_s)
        self._answers.put([client, *pack_reply(reply, vectors)])

    def _answer(self, request: Request, samples: Int16, until_s: float) -> tuple[Reply, Vectors | None]:
        began_s = time.monotonic()

        def refused(status: str, says: str) -> tuple[Reply, None]:
            assert status in {"late", "busy", "failed"}
            return Reply(id=request.id, status=status, identity=self._identity, says=says), None  # type: ignore[arg-type]  # one of its words

        if (left_s := until_s - began_s) <= 0:
            return refused("late", "the request waited too long for a worker")
        try:
            computed = self._compute(Asked(samples, left_s))
        except TimeoutError:
            return refused("late", f"no replica was done within {request.within_ms} ms")
        except BusyError as error:
            return refused("busy", str(error))
        except Exception as error:  # noqa: BLE001 - whatever a cluster does, its client is to hear of it
            log.warning("a request failed: %s", str(error).strip().splitlines()[-1] if str(error) else error)
            return refused("failed", f"the replicas failed: {type(error).__name__}")
        if computed.vectors is None:
            return refused("late", "a replica had no time left for it")
        reply = Reply(
            id=request.id,
            status="done",
            identity=computed.identity,
            device=computed.device,
            dimensions=computed.vectors.shape[1],
            computing_ms=1000 * (time.monotonic() - began_s),
        )
        return reply, computed.vectors


class _Answers:
    """From any worker to the gate's thread, which polls `fileno`."""

    def __init__(self) -> None:
        self._frames: deque[list[bytes]] = deque()
        self._woken, self._waker = sockets.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)

    def fileno(self) -> int:
        """Readable when there is an answer."""
        return self._woken.fileno()

    def put(self, frames: list[bytes]) -> None:
        """Never blocks."""
        self._frames.append(frames)
        self.wake()

    def wake(self) -> None:
        """Make it readable."""
        with suppress(OSError):  # full: it is readable already; closed: nobody waits any more
            self._waker.send(b"\0")

    def take(self) -> list[list[bytes]]:
        """All that is there."""
        with suppress(BlockingIOError):
            self._woken.recv(4096)
        return [self._frames.popleft() for _ in range(len(self._frames))]

    def close(self) -> None:
        """Workers that are still busy may put, for nobody."""
        self._woken.close()
        self._waker.close()


def _secret(file: Path) -> bytes:
    try:
        _, secret = zmq.auth.load_certificate(file)
    except (OSError, ValueError) as error:
        raise ServingError(f"--secret-key {file}: {error}") from None
    if secret is None:
        raise ServingError(f"--secret-key {file}: holds no secret key; name the file ending in .key_secret")
    return secret
