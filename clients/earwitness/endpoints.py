"""Where the daemon's sockets are, and the keys that open them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec
import zmq
import zmq.auth

SYSTEM_DIRECTORY = Path("/run/earwitness")
EVENTS = "events"
CONTROL = "control"
SATELLITES = "satellites"


def runtime_directory() -> Path:
    """Where a daemon started by this user puts its sockets."""
    if under_systemd := os.environ.get("RUNTIME_DIRECTORY"):
        return Path(under_systemd.split(":")[0])
    if session := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(session) / "earwitness"
    return Path(tempfile.gettempdir()) / f"earwitness-{os.getuid()}"


def default_endpoint(name: str) -> str:
    """Where a client connects: $EARWITNESS_EVENTS or _CONTROL, this user's daemon, or the system's."""
    if explicit := os.environ.get(f"EARWITNESS_{name.upper()}"):
        return explicit
    own = runtime_directory() / name
    system = SYSTEM_DIRECTORY / name
    return f"ipc://{system if system.exists() and not own.exists() else own}"


def control_beside(events: str | None) -> str | None:
    """The control endpoint of the daemon whose events are there; None: it cannot be told."""
    if events is None or events == default_endpoint(EVENTS):
        return default_endpoint(CONTROL)
    if events.startswith("ipc://") and events.endswith(f"/{EVENTS}"):
        return events.removesuffix(EVENTS) + CONTROL
    return os.environ.get("EARWITNESS_CONTROL")


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """A client's CURVE keys, Z85 text; needed for tcp."""

    server_public: str
    public: str
    secret: str

    @classmethod
    def load(cls, secret_file: Path, server_file: Path) -> Keys:
        """Read the two certificate files that `earwitnessd keys new` wrote."""
        public, secret = zmq.auth.load_certificate(secret_file)
        server_public, _ = zmq.auth.load_certificate(server_file)
        if secret is None:
            raise ValueError(f"{secret_file} holds no secret key: name the file that ends in .key_secret")
        return cls(server_public=server_public.decode(), public=public.decode(), secret=secret.decode())

    @classmethod
    def from_environment(cls) -> Keys | None:
        """Read the files named by $EARWITNESS_KEY and $EARWITNESS_SERVER_KEY, if both are set."""
        secret_file = os.environ.get("EARWITNESS_KEY")
        server_file = os.environ.get("EARWITNESS_SERVER_KEY")
        if not secret_file or not server_file:
            return None
        return cls.load(Path(secret_file), Path(server_file))


def keys_for(endpoint: str) -> Keys | None:
    """The keys from the environment, where the endpoint needs any."""
    return Keys.from_environment() if endpoint.startswith("tcp://") else None


def secure(socket: zmq.Socket[bytes], endpoint: str, keys: Keys | None) -> None:
    """Give a client socket its keys, before it connects."""
    if keys is None or not endpoint.startswith("tcp://"):
        return
    socket.curve_serverkey = keys.server_public.encode()
    socket.curve_publickey = keys.public.encode()
    socket.curve_secretkey = keys.secret.encode()
