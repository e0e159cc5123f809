"""The control socket: checks requests, has them answered, and never falls over a bad one."""

from __future__ import annotations

import difflib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import zmq

from earwitness.control import (
    CONTROL_SCHEMA,
    METHODS,
    AnyMethod,
    ErrorCode,
    Problem,
    Reply,
    Request,
)

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 120.0  # a long recording takes its time on a small machine
SMALL = 1 << 16  # bytes that a request is copied of when there is no memory for all of it
MAX_WAITING = 1000  # requests; more than that is a flood


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a reply goes."""

    envelope: tuple[bytes, ...]
    # routing id, and the empty frame that REQ puts in front
    id: str
    deadline: float
    who: str = ""
    # for people: "uid 1000, gid 1000, process 4711", "key kitchen"
    key: bytes = b""
    # its own, in Z85; empty where none is needed
    method: AnyMethod | None = None
    # None: it could not be understood


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom a request comes from."""

    who: str
    key: bytes


class RequestError(Exception):
    """A request that cannot be understood."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code: ErrorCode = code


class ControlServer:
    """Owned by the main thread. `handle` gets (token, method, attachment) and replies whenever it can."""

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        handle: Callable[[int, AnyMethod, bytes], None],
        answer_within_s: float = ANSWER_WITHIN_S,
        *,
        admits: Callable[[zmq.Frame], bool] = lambda _: True,
        who: Callable[[zmq.Frame], str] = lambda _: "",
        key: Callable[[zmq.Frame], bytes] = lambda _: b"",
        forbids: Callable[[bytes, AnyMethod], str] = lambda _key, _method: "",
        on_done: Callable[[str, AnyMethod, str], None] = lambda _who, _method, _problem: None,
    ) -> None:
        self.socket = socket
        self._admits = admits
        self._who = who
        self._key = key
        self._forbids = forbids
        # why a key may not ask for this; empty: it may
        self._on_done = on_done
        # who asked for what, and why it was refused; empty: it was done
        self.requests = 0
        self.errors = 0
        self._handle = handle
        self._answer_within_s = answer_within_s
        self._waiting: dict[int, Caller] = {}
        self._next_token = 1

    def on_requests(self) -> None:
        """Take what has come, a bounded number at a time: events go on meanwhile."""
        for _ in range(100):
            try:
                frames = self.socket.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                return
            if self._admits(frames[-1]):
                sender = Sender(self._who(frames[-1]), self._key(frames[-1]))
                try:
                    copied = [frame.bytes for frame in frames]
                except MemoryError:
                    self._on_request([_small(frame) for frame in frames], sender, enough_memory=False)
                else:
                    self._on_request(copied, sender)

    def reply(self, token: int, result: msgspec.Struct) -> None:
        """Answer a request."""
        if caller := self._waiting.pop(token, None):
            if caller.method:
                self._on_done(caller.who, caller.method, "")
            self._send(caller, Reply(id=caller.id, result=msgspec.Raw(msgspec.json.encode(result))))

    def refuse(self, token: int, code: ErrorCode, message: str) -> None:
        """Answer a request with a problem."""
        if caller := self._waiting.pop(token, None):
            self.errors += 1
            if caller.method:
                self._on_done(caller.who, caller.method, message)
            self._send(caller, Reply(id=caller.id, error=Problem(code=code, message=message)))

    def caller(self, token: int) -> str:
        """Who asked; empty if that is not known."""
        caller = self._waiting.get(token)
        return caller.who if caller else ""

    def key(self, token: int) -> bytes:
        """The key of whoever asked, in Z85; empty where none is needed."""
        caller = self._waiting.get(token)
        return caller.key if caller else b""

    def expire(self) -> None:
        """Refuse what the engine has not answered in time."""
        now = time.monotonic()
        for token in [token for token, caller in self._waiting.items() if caller.deadline < now]:
            self.refuse(
                token, "unavailable", f"the engine did not answer within {self._answer_within_s:.0f} s"
            )

    def refuse_all(self, message: str) -> None:
        """Nobody waits for a daemon that is leaving."""
        for token in list(self._waiting):
            self.refuse(token, "unavailable", message)

    def _on_request(self, frames: list[bytes], sender: Sender, *, enough_memory: bool = True) -> None:
        self.requests += 1
        envelope, parts = frames[:1], frames[1:]
        if len(parts) > 1 and not parts[0]:  # a REQ socket
            envelope, parts = frames[:2], frames[2:]
        token, self._next_token = self._next_token, self._next_token + 1
        deadline = time.monotonic() + self._answer_within_s
        self._waiting[token] = Caller(tuple(envelope), "", deadline)
        if len(self._waiting) > MAX_WAITING:
            self.refuse(token, "unavailable", f"{MAX_WAITING} requests are waiting already")
            return
        try:
            request = _decode(parts)
            self._waiting[token] = Caller(tuple(envelope), request.id, deadline)
            method = _method(request)
            caller = Caller(tuple(envelope), request.id, deadline, sender.who, sender.key, method)
            self._waiting[token] = caller
        except RequestError as error:
            self.refuse(token, error.code, str(error))
            return
        if why := self._forbids(sender.key, method):
            self.refuse(token, "refused", why)
            return
        if not enough_memory:
            self.refuse(
                token, "unavailable", "there is not enough memory for what was sent: send less at once"
            )
            return
        self._handle(token, method, parts[1] if len(parts) > 1 else b"")

    def _send(self, caller: Caller, reply: Reply) -> None:
        try:
            self.socket.send_multipart([*caller.envelope, msgspec.json.encode(reply)], zmq.DONTWAIT)
        except zmq.ZMQError as error:
            log.warning("a control client does not take its reply: %s", error)


def _small(frame: zmq.Frame) -> bytes:
    """What it says, unless it is large."""
    return frame.bytes if len(frame) <= SMALL else b""


def _decode(parts: list[bytes]) -> Request:
    if not 1 <= len(parts) <= 2:
        raise RequestError(
            "bad_request", f"{len(parts)} frames: expected the request, and at most one attachment"
        )
    try:
        request = msgspec.json.decode(parts[0], type=Request)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError("bad_request", f"not a request: {error}") from None
    if request.v != CONTROL_SCHEMA:
        raise RequestError(
            "unsupported_version", f"v = {request.v}: this daemon speaks version {CONTROL_SCHEMA}"
        )
    return request


def _method(request: Request) -> AnyMethod:
    kind = METHODS.get(request.method)
    if kind is None:
        nearest = difflib.get_close_matches(request.method, METHODS, n=1)
        hint = f"did you mean {nearest[0]!r}?" if nearest else f"there are: {', '.join(sorted(METHODS))}"
        raise RequestError("unknown_method", f"{request.method!r}: no such method; {hint}")
    try:
        return msgspec.json.decode(request.params or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError("bad_request", f"{request.method}: {error}") from None
