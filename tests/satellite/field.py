"""A daemon and satellites in processes of their own, with keys, and a link between them that can be cut."""

from __future__ import annotations

import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from earwitness.endpoints import Keys
from earwitness.events import Heartbeat, LinkState, StreamState
from earwitnessd.access.keys import new_key_pair
from tests.daemon.harness import Daemon
from tests.ports import free_port

MIC = "from earwitnessd.cli.mic import main; main()"
CHUNK = 1 << 16


class Cable(threading.Thread):
    """Passes bytes on between a satellite and the daemon; while it is cut, nothing goes, and nobody knows."""

    def __init__(self, to_port: int) -> None:
        super().__init__(daemon=True)
        self._to_port = to_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._ends: dict[socket.socket, socket.socket] = {}
        self._whole = True
        self._wake, self._bell = socket.socketpair()
        self._over = False
        self.carried = 0
        # bytes
        self.start()

    def cut(self) -> None:
        self._whole = False
        self._bell.send(b"x")

    def mend(self) -> None:
        self._whole = True
        self._bell.send(b"x")

    def close(self) -> None:
        self._over = True
        self._bell.send(b"x")
        self.join(5.0)

    def run(self) -> None:
        while not self._over:
            wanted = [self._wake, *([self._listener, *self._ends] if self._whole else [])]
            for ready in select.select(wanted, [], [], 5.0)[0]:
                self._attend(ready)
        for each in (*self._ends, self._listener, self._wake, self._bell):
            each.close()

    def _attend(self, ready: socket.socket) -> None:
        if ready is self._wake:
            ready.recv(64)
        elif ready is self._listener:
            self._join(ready.accept()[0])
        elif ready in self._ends:
            self._pass_on(ready)

    def _join(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self._to_port), 2.0)
        except OSError:
            near.close()
            return
        self._ends |= {near: far, far: near}

    def _pass_on(self, one: socket.socket) -> None:
        other = self._ends[one]
        try:
            data = one.recv(CHUNK)
            other.sendall(data)
        except OSError:
            data = b""
        self.carried += len(data)
        if not data:
            for end in (one, other):
                del self._ends[end]
                end.close()


class Satellite:
    """`earwitness-mic run`."""

    def __init__(
        self, folder: Path, settings: Mapping[str, Any], environment: Mapping[str, str] | None
    ) -> None:
        self.config = folder / "mic.yaml"
        self.log_file = folder / "mic.log"
        self.config.write_text(yaml.safe_dump(dict(settings)), encoding="utf-8")
        self._environment = environment
        self._prefix: list[str] = []

    def within(self, *prefix: str) -> None:
        """Start by this command, such as one that enters a network."""
        self._prefix = [*prefix]

    def command(self, *arguments: str) -> list[str]:
        return [*self._prefix, sys.executable, "-c", MIC, *arguments, "--config", str(self.config)]

    def start(self) -> None:
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                self.command("run"), stdin=subprocess.DEVNULL, stderr=log, env=self._environment
            )

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(10.0)

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")


class Field:
    """Call `place` for each satellite before entering."""

    def __init__(
        self, folder: Path, settings: Mapping[str, Any], address: str = "127.0.0.1", *, cables: bool = True
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = address
        self._cables = cables
        self.server_key, secret = new_key_pair(folder / "keys", "daemon")
        for name in ("subscribers", "controllers", "satellites"):
            (folder / name).mkdir()
        self._settings = dict(settings)
        self._curve = {
            "secret_key_file": str(secret),
            **{name: str(folder / name) for name in ("subscribers", "controllers", "satellites")},
        }
        self.streams: dict[str, Any] = {}
        self.satellites: dict[str, Satellite] = {}
        self.cables: dict[str, Cable] = {}
        self.daemon = Daemon(folder, {})

    def key(self, name: str) -> Path:
        """The secret half of a key that the daemon knows, and a stream for it."""
        public, secret = new_key_pair(self.folder / f"of-{name}", name)
        (self.folder / "satellites" / public.name).write_bytes(public.read_bytes())
        self.streams[name] = {"source": "network"}
        return secret

    def keys(self, name: str) -> Keys:
        return Keys.load(self.key(name), self.server_key)

    def keys_of(self, name: str) -> Keys:
        """A copy of a satellite's own."""
        return Keys.load(self.folder / f"of-{name}" / f"{name}.key_secret", self.server_key)

    def place(
        self,
        name: str,
        source: Mapping[str, Any],
        environment: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> Satellite:
        secret = self.key(name)
        port = self.port
        if self._cables:
            self.cables[name] = Cable(self.port)
            port = self.cables[name].port
        told = {
            "daemon": f"tcp://{self.address}:{port}",
            "daemon_key": str(self.server_key),
            "key": str(secret),
            "source": dict(source),
            **settings,
        }
        self.satellites[name] = Satellite(secret.parent, told, environment)
        return self.satellites[name]

    def __enter__(self) -> Field:
        sockets = {
            "events": self.daemon.events_endpoint,
            "control": self.daemon.control_endpoint,
            "satellites": f"tcp://{self.address}:{self.port}",
            "curve": self._curve,
        }
        self.daemon.write({**self._settings, "streams": self.streams, "sockets": sockets})
        self.daemon.__enter__()
        for satellite in self.satellites.values():
            satellite.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, satellite in self.satellites.items():
            if satellite.process.poll() is None:
                satellite.stop()
            if kind is not None:
                print(f"--- {name}\n{satellite.log}")
        self.daemon.__exit__(kind, error, trace)
        for cable in self.cables.values():
            cable.close()

    def state(self, name: str, beat: Heartbeat) -> StreamState:
        (found,) = (stream for stream in beat.streams if stream.stream == name)
        return found

    def is_live(self, name: str, beat: Heartbeat) -> bool:
        """And has sent all that it kept."""
        stream = self.state(name, beat)
        return stream.link is not None and stream.state == "live" and stream.link.waiting_s < 1.0

    def until(
        self, name: str, accept: Callable[[StreamState, LinkState], bool], within_s: float = 20.0
    ) -> tuple[StreamState, LinkState]:
        """The next heartbeat in which this stream and its link are so."""

        def holds(beat: Heartbeat) -> bool:
            found = [
                stream for stream in beat.streams if stream.stream == name
            ]  # it may have been added just now
            return any(stream.link is not None and accept(stream, stream.link) for stream in found)

        stream = self.state(name, self.daemon.heartbeat(holds, within_s))
        assert stream.link is not None
        return stream, stream.link

    def until_live(self, name: str, within_s: float = 20.0) -> tuple[StreamState, LinkState]:
        return self.until(
            name, lambda stream, link: stream.state == "live" and link.waiting_s < 1.0, within_s
        )


def endless(recording: str) -> dict[str, Any]:
    return {"source": "file", "path": recording, "loop": True}
