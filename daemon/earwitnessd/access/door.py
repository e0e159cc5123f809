"""Knows who is connected to a public socket, and shows out whoever may not stay."""

from __future__ import annotations

import logging
import os
import socket as sockets
import struct
from collections import Counter
from collections.abc import Callable

import zmq

log = logging.getLogger(__name__)

FAILED = {
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "no key, one for another daemon, or another protocol",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "broken off",
}  # a handshake that the key ring refused is counted and told there
WATCHED = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED
for _event in FAILED:
    WATCHED |= _event
MOST_UNREAD = 100_000  # events of the monitor: libzmq would stand still, were it to find no room
MOST_LINES = 10  # of the log, a second
MESSAGES_PER_TOPIC = 100  # subscribing and unsubscribing so often, for each topic allowed, is a flood


class Connection:
    """One client. `inode` tells its file descriptor from another's that gets the same number later."""

    def __init__(self, inode: int) -> None:
        self.inode = inode
        self.key: bytes | None = None
        # None: it has said nothing yet
        self.topics: set[bytes] = set()
        self.messages = 0


class Door:
    """Owned by the main thread; made before its socket is bound, so that nobody slips in unseen.

    libzmq cannot end a single connection. But it tells each connection's file descriptor, and one that has
    been shut down looks to it like a client that left; nobody else notices.
    """

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        name: str,
        *,
        max_clients: int,
        max_subscriptions: int,
        allows: Callable[[bytes], bool] = lambda _: True,
    ) -> None:
        self.name = name
        self.failed = 0
        self.cut = 0
        self.refused_subscriptions = 0
        self._socket = socket
        self._max_clients = max_clients
        self._max_subscriptions = max_subscriptions
        self._allows = allows
        # whether a key, in Z85, may use this socket at present
        self._connections: dict[int, Connection] = {}
        self._untold: Counter[str] = Counter()
        self._told: set[str] = set()
        address = f"inproc://door-{name}"
        socket.monitor(address, WATCHED)
        self.monitor: zmq.Socket[bytes] = socket.context.socket(zmq.PAIR)
        self.monitor.set(zmq.RCVHWM, MOST_UNREAD)
        self.monitor.connect(address)

    @property
    def clients(self) -> int:
        """Connections open at present, handshakes included."""
        return len(self._connections)

    def on_events(self) -> None:
        """Take note of who came and went."""
        while True:
            try:
                frames = self.monitor.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            what, value = struct.unpack("=Hi", frames[0][:6])
            if what == zmq.EVENT_ACCEPTED:
                self._on_accepted(value)
            elif what == zmq.EVENT_DISCONNECTED:
                self._connections.pop(value, None)
            elif reason := FAILED.get(what):
                self.failed += 1
                self._tell(f"a handshake failed: {reason}")

    def admits(self, frame: zmq.Frame) -> bool:
        """Whether what a client sent may be taken; if not, its connection is ended."""
        fd, key = _sender(frame)
        if fd is None:
            return True  # libzmq's own word about a client that left
        self.on_events()
        connection = self._connections.get(fd)
        if connection is None:  # it has left already, but what it asked for may stand
            return self._socket.type != zmq.XPUB and self._allows(key)
        connection.key = key
        if not self._allows(key):
            self._show_out(fd, f"a key that is not allowed: {who(frame)}")
            return False
        if self._socket.type != zmq.XPUB:
            return True
        return self._admits_subscription(fd, connection, frame)

    def show_out(self, frame: zmq.Frame, why: str) -> None:
        """End the connection that this came by."""
        fd, key = _sender(frame)
        self.on_events()
        if fd is not None and (connection := self._connections.get(fd)):
            connection.key = key
            self._show_out(fd, f"{why}: {who(frame)}")

    def cut_revoked(self) -> None:
        """End the connections of keys that may not stay.

        Whose key it is, a connection tells with its first message. A subscription is in force before we have
        looked at it, so subscribers that have not said anything go too; who is allowed is back at once.
        """
        self.on_events()
        for fd, connection in list(self._connections.items()):
            if connection.key is None:
                if self._socket.type == zmq.XPUB:
                    self._end(fd)
            elif not self._allows(connection.key):
                self._show_out(fd, f"key {connection.key.decode(errors='replace')} is revoked")

    def tell(self) -> None:
        """Log what was held back, so that a flood of clients is none of lines; called each second."""
        for what, count in self._untold.items():
            log.warning("%s: %s (%d more)", self.name, what, count)
        self._told = set(self._untold)
        self._untold.clear()

    def close(self) -> None:
        """After the socket was closed: until then libzmq would wait for its monitor to be read."""
        assert self._socket.closed
        self.monitor.close(linger=0)

    def _on_accepted(self, fd: int) -> None:
        try:
            self._connections[fd] = Connection(os.fstat(fd).st_ino)
        except OSError:
            return  # it left at once
        if len(self._connections) > self._max_clients:
            self._show_out(fd, f"more than {self._max_clients} clients (sockets.max_clients)")

    def _admits_subscription(self, fd: int, connection: Connection, frame: zmq.Frame) -> bool:
        message = frame.bytes
        connection.messages += 1
        if message[:1] == b"\1":
            connection.topics.add(message[1:])
        elif message[:1] != b"\0":
            self._show_out(fd, f"what it sent is no subscription: {who(frame)}")
            return False
        if len(connection.topics) > self._max_subscriptions:
            self.refused_subscriptions += 1
            most = f"{self._max_subscriptions} topics (sockets.max_subscriptions)"
            self._show_out(fd, f"more than {most}: {who(frame)}")
            return False
        if connection.messages > MESSAGES_PER_TOPIC * self._max_subscriptions:
            self._show_out(fd, f"a flood of subscriptions: {who(frame)}")
            return False
        return True

    def _show_out(self, fd: int, why: str) -> None:
        self.cut += 1
        self._tell(f"ended a connection: {why}")
        self._end(fd)

    def _end(self, fd: int) -> None:
        """Through a duplicate: it cannot become somebody else's between looking and shutting."""
        connection = self._connections.pop(fd)
        try:
            duplicate = os.dup(fd)
        except OSError:
            return
        try:
            if os.fstat(duplicate).st_ino != connection.inode:
                return
            with sockets.socket(fileno=os.dup(duplicate)) as client:
                client.shutdown(sockets.SHUT_RDWR)
        except OSError:
            return  # it has just left
        finally:
            os.close(duplicate)

    def _tell(self, what: str) -> None:
        if len(self._told) >= MOST_LINES:
            what = "and others"
        if what in self._told:
            self._untold[what] += 1
        else:
            self._told.add(what)
            log.warning("%s: %s", self.name, what)


def _sender(frame: zmq.Frame) -> tuple[int | None, bytes]:
    """The file descriptor of the connection, and its key in Z85; empty where none is needed."""
    try:
        fd = int(frame.get("__fd"))
    except zmq.ZMQError:
        return None, b""
    try:
        return fd, str(frame.get("User-Id")).encode()
    except zmq.ZMQError:
        return fd, b""


def key_of(frame: zmq.Frame) -> bytes:
    """In Z85; empty where none is needed."""
    return _sender(frame)[1]


def who(frame: zmq.Frame, name_of: Callable[[bytes], str] = lambda key: key.decode(errors="replace")) -> str:
    """For people: over ipc the address says uid, gid and pid."""
    address = str(frame.get("Peer-Address"))
    name, _, numbers = address.partition(":")
    if numbers.count(":") == 2 and name == "localhost":
        uid, gid, pid = numbers.split(":")
        return f"uid {uid}, gid {gid}, process {pid}"
    _, key = _sender(frame)
    return f"{address}, key {name_of(key)}" if key else address
