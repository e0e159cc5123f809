"""Opens the public sockets: ipc for a group only, tcp for known keys only, and one daemon at a time."""

from __future__ import annotations

import errno
import fcntl
import grp
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import zmq
import zmq.auth

from earwitness.endpoints import CONTROL, EVENTS, SATELLITES, runtime_directory
from earwitnessd.access.tcp import listen
from earwitnessd.settings.root import Curve, Sockets

MAX_PATH = 107  # bytes of an ipc path that the kernel takes
MAX_SUBSCRIPTION = 384  # bytes of what a subscriber may send: the longest topic, and what CURVE adds
MAX_REQUEST = 64 << 20  # bytes of a control message: ten minutes of 48 kHz PCM
MAX_BLOCK = 300_000  # bytes of a satellite's message: four seconds of float32, and what is said of them
IPC_MODE = 0o660
SECRET_KEY_LENGTH = 40  # characters of Z85
BIND_HINTS = {
    errno.EADDRINUSE: " (another program holds the port)",
    errno.EAFNOSUPPORT: " (the service has no network: `earwitnessd install` again lets it have what is set)",
}


Attach = Callable[[zmq.Socket[bytes]], object]
# called with a socket before it is bound


class SocketError(Exception):
    """A public socket cannot be opened: says which, why and what to do."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses in force."""

    events: str
    control: str


def resolve(settings: Sockets) -> Endpoints:
    """Fill in "auto"."""
    directory = runtime_directory()
    return Endpoints(
        events=f"ipc://{directory / EVENTS}" if settings.events == "auto" else settings.events,
        control=f"ipc://{directory / CONTROL}" if settings.control == "auto" else settings.control,
    )


def open_events(
    context: zmq.Context[zmq.Socket[bytes]], endpoint: str, settings: Sockets, attach: Attach | None = None
) -> zmq.Socket[bytes]:
    """The XPUB socket, bound."""
    socket = context.socket(zmq.XPUB)
    socket.set(zmq.XPUB_VERBOSE, 1)  # every newcomer is seen, also on a topic already subscribed to
    socket.set(zmq.SNDHWM, 2000)
    # More, and libzmq goes on taking in a flood, a node of memory for each letter, before the door hears of
    # its first message. It puts a key into the same queue, and never counts that as taken out.
    socket.set(zmq.RCVHWM, 2 if _asks_for_a_key(endpoint, settings) else 1)
    socket.set(zmq.MAXMSGSIZE, MAX_SUBSCRIPTION)
    return _bind(socket, endpoint, settings, domain=EVENTS, attach=attach)


def open_control(
    context: zmq.Context[zmq.Socket[bytes]], endpoint: str, settings: Sockets, attach: Attach | None = None
) -> zmq.Socket[bytes]:
    """The ROUTER socket, bound."""
    socket = context.socket(zmq.ROUTER)
    socket.set(zmq.SNDHWM, 100)
    socket.set(zmq.RCVHWM, 8)  # requests of one client, each of which may be large
    socket.set(zmq.MAXMSGSIZE, MAX_REQUEST)
    return _bind(socket, endpoint, settings, domain=CONTROL, attach=attach)


def open_satellites(
    context: zmq.Context[zmq.Socket[bytes]], settings: Sockets, attach: Attach | None = None
) -> zmq.Socket[bytes]:
    """The ROUTER socket that microphones elsewhere connect to, bound."""
    assert settings.curve is not None
    socket = context.socket(zmq.ROUTER)
    socket.set(zmq.SNDHWM, 100)
    socket.set(zmq.RCVHWM, 64)  # a flood waits at its sender
    socket.set(zmq.MAXMSGSIZE, MAX_BLOCK)
    return _bind(socket, settings.satellites, settings, domain=SATELLITES, attach=attach)


def claim(endpoint: str) -> IO[bytes] | None:
    """Hold the lock beside an ipc socket for as long as the returned file is open; None for tcp.

    libzmq would silently take over another daemon's ipc socket.
    """
    if not endpoint.startswith("ipc://"):
        return None
    path = _ipc_path(endpoint)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = Path(f"{path}.lock").open("wb")  # noqa: SIM115 - held open for the daemon's life
    except OSError as error:
        raise SocketError(f"{endpoint}: {error.strerror} ({path.parent})") from error
    owner = path.parent.stat().st_uid
    if owner not in {0, os.getuid()}:  # in a shared folder such as /tmp, anybody could have made it first
        lock.close()
        raise SocketError(
            f"{endpoint}: the folder belongs to another user ({owner}), who could listen in; remove it, "
            "or name sockets elsewhere"
        )
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise SocketError(
            f"{endpoint} is in use by another earwitnessd: stop it, or give this one other sockets"
        ) from None
    return lock


def _bind(
    socket: zmq.Socket[bytes], endpoint: str, settings: Sockets, domain: str, attach: Attach | None
) -> zmq.Socket[bytes]:
    socket.set(zmq.LINGER, 200)  # ms: the last words still go out
    socket.set(zmq.HANDSHAKE_IVL, 3000)
    socket.set(zmq.HEARTBEAT_IVL, 1000)
    socket.set(zmq.HEARTBEAT_TIMEOUT, 5000)
    before = os.umask(0o777 & ~IPC_MODE)
    try:
        if settings.curve and _asks_for_a_key(endpoint, settings):
            socket.curve_secretkey = _secret_key(settings.curve)
            socket.curve_server = True
            socket.zap_domain = domain.encode()
        path = _ipc_path(endpoint) if endpoint.startswith("ipc://") else None
        if attach:
            attach(socket)
        if endpoint.startswith("tcp://"):
            listen(socket, endpoint)
        socket.bind(endpoint)
        if path:
            _restrict(path, settings.group)
    except BaseException as error:
        socket.close(linger=0)  # else the context could not end
        if isinstance(error, zmq.ZMQError | OSError):
            hint = BIND_HINTS.get(error.errno or 0, "")
            raise SocketError(f"{endpoint}: cannot bind: {error.strerror}{hint}") from error
        raise
    finally:
        os.umask(before)
    return socket


def _asks_for_a_key(endpoint: str, settings: Sockets) -> bool:
    return endpoint.startswith("tcp://") and settings.curve is not None


def _restrict(path: Path, group: str | None) -> None:
    path.chmod(IPC_MODE)
    if group is None:
        return
    try:
        wanted = grp.getgrnam(group).gr_gid
        if path.stat().st_gid != wanted:  # no right is needed to give it to one's own group
            os.chown(path, -1, wanted)
    except KeyError:
        raise SocketError(
            f"sockets.group = {group!r}: there is no such group (groupadd --system {group})"
        ) from None
    except PermissionError:
        raise SocketError(f"sockets.group = {group!r}: this user may not give {path} to that group") from None


def check_private(file: Path, setting: str = "sockets.curve.secret_key_file") -> None:
    """SocketError if others than its owner can read a secret key."""
    if os.environ.get("CREDENTIALS_DIRECTORY") == str(file.parent):
        return  # systemd gives it to this service alone, by an access list that the mode does not tell
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError as error:
        raise SocketError(f"{setting} = {str(file)!r}: {error.strerror}") from None
    if mode & 0o077:
        raise SocketError(
            f"{setting} = {str(file)!r}: others can read it (mode {mode:04o}): chmod 600 {file}"
        )


def _secret_key(curve: Curve) -> bytes:
    check_private(Path(curve.secret_key_file))
    try:
        _, secret = zmq.auth.load_certificate(curve.secret_key_file)
    except (OSError, ValueError) as error:
        raise SocketError(f"sockets.curve.secret_key_file = {curve.secret_key_file!r}: {error}") from None
    if secret is None or len(secret) != SECRET_KEY_LENGTH:
        raise SocketError(
            f"sockets.curve.secret_key_file = {curve.secret_key_file!r}: holds no secret key; "
            "name the file that ends in .key_secret"
        )
    return secret


def _ipc_path(endpoint: str) -> Path:
    path = endpoint.removeprefix("ipc://")
    if path.startswith("@"):
        raise SocketError(
            f"{endpoint}: an abstract socket has no owner, so anybody could connect; name a file"
        )
    if len(os.fsencode(path)) > MAX_PATH:
        raise SocketError(f"{endpoint}: the path has {len(path)} characters; the kernel takes {MAX_PATH}")
    return Path(path)
