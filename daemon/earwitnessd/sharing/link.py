"""The way to the writer: one request at a time over its control socket, by tcp with keys."""

from __future__ import annotations

import uuid
from pathlib import Path

import msgspec
import zmq
from zmq.utils import z85

from earwitness.control import ControlError, FollowProfiles, ProfileLetter, Reply
from earwitness.control import Request as Asking
from earwitness.endpoints import Keys, secure
from earwitnessd.settings.sharing import FollowSettings
from earwitnessd.sharing.errors import SharingError
from earwitnessd.sharing.signing import read_public, require_private

MAX_LETTER = 64 << 20  # bytes
HEARTBEAT_MS, TIMEOUT_MS = 1000, 4000  # by which libzmq notices that a link is cut


class WriterKeys:
    """What opens the writer's socket and its letters; SharingError if a file is no such key."""

    def __init__(self, settings: FollowSettings) -> None:
        self.signer = read_public(Path(settings.signed_by).expanduser())
        secret, server = Path(settings.key_file).expanduser(), Path(settings.server_key_file).expanduser()
        try:
            require_private(secret)
            self.curve = Keys.load(secret, server)
            self.secret = z85.decode(self.curve.secret)
        except (OSError, ValueError, KeyError) as error:
            raise SharingError(
                f"follow.key_file {secret} or follow.server_key_file {server}: {error}"
            ) from None
        self.name = server.stem


class Link:
    """Owned by the following thread."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str, keys: Keys) -> None:
        self._context = context
        self._endpoint = endpoint
        self._keys = keys
        self._asked = ""
        self.socket = self._connected()

    def ask(self, method: FollowProfiles) -> None:
        """Send it; what was asked before is answered to nobody."""
        self._asked = uuid.uuid4().hex
        params = msgspec.Raw(msgspec.json.encode(method))
        request = Asking(id=self._asked, method=method.method, params=params)
        try:
            self.socket.send_multipart([b"", msgspec.json.encode(request)], zmq.DONTWAIT)
        except zmq.Again:
            self.again()
            self.socket.send_multipart([b"", msgspec.json.encode(request)], zmq.DONTWAIT)

    def answer(self) -> bytes | None:
        """The letter that has come, if it is the one asked for; ControlError if the writer refuses."""
        try:
            frames = self.socket.recv_multipart(zmq.DONTWAIT)
        except zmq.Again:
            return None
        try:
            reply = msgspec.json.decode(frames[-1], type=Reply)
            if reply.id != self._asked:
                return None
            if reply.error:
                raise ControlError(reply.error.code, reply.error.message)
            return msgspec.json.decode(reply.result, type=ProfileLetter).content
        except msgspec.DecodeError as error:
            raise SharingError(f"the writer's answer makes no sense (another version?): {error}") from None

    def again(self) -> None:
        """A new connection: whatever the old one still waits for is forgotten."""
        self.socket.close(linger=0)
        self.socket = self._connected()

    def close(self) -> None:
        """Let go of the socket."""
        self.socket.close(linger=0)

    def _connected(self) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = self._context.socket(zmq.DEALER)
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.MAXMSGSIZE, MAX_LETTER)
        socket.set(zmq.RECONNECT_IVL, 100)
        socket.set(zmq.RECONNECT_IVL_MAX, 2000)
        socket.set(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
        socket.set(zmq.HEARTBEAT_TIMEOUT, TIMEOUT_MS)
        secure(socket, self._endpoint, self._keys)
        try:
            socket.connect(self._endpoint)
        except zmq.ZMQError as error:
            socket.close(linger=0)
            raise SharingError(f"follow.writer = {self._endpoint!r}: {error.strerror}") from None
        return socket
