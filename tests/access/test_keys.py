"""Over tcp only known keys get in, and only where they are on the list."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import pytest
import zmq
import zmq.auth

from earwitness import Control, NoDaemon
from earwitness.control import Done
from earwitness.endpoints import Keys, secure
from earwitness.events import ProfileDeleted
from earwitnessd.access.keys import KeyRing, new_key_pair
from earwitnessd.access.sockets import open_control, open_events
from earwitnessd.control import ControlServer
from earwitnessd.publish import Publisher
from earwitnessd.settings.root import Curve, Sockets

TIMEOUT_MS = 10_000
REFUSED_AFTER_MS = 700  # a refusal is silence; three handshakes fit in


class Fort:
    """A daemon's public side with CURVE on loopback; its thread owns the sockets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("subscribers", "controllers"):
            (folder / name).mkdir()
        self.server_public, secret = new_key_pair(folder, "daemon")
        self.curve = Curve(
            secret_key_file=str(secret),
            subscribers=str(folder / "subscribers"),
            controllers=str(folder / "controllers"),
        )
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._stop = self._context.socket(zmq.PAIR)
        self._stop.bind("inproc://stop")
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self.events = self.control = ""
        self.refused = 0

    def __enter__(self) -> Fort:
        self._thread.start()
        assert self._ready.wait(10.0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.send(b"")
        self._thread.join(10.0)
        self._stop.close()
        self._context.term()

    def keys(self, name: str, *lists: str) -> Keys:
        """A client's keys, known to these lists."""
        public, secret = new_key_pair(self.folder / "clients", name)
        for each in lists:
            (self.folder / each / public.name).write_bytes(public.read_bytes())
        return Keys.load(secret, self.server_public)

    def hears(self, keys: Keys | None, timeout_ms: int) -> bool:
        """Whether a subscriber with these keys receives events."""
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        with context, context.socket(zmq.SUB) as socket:
            socket.linger = 0
            secure(socket, self.events, keys)
            socket.subscribe("")
            socket.connect(self.events)
            return bool(socket.poll(timeout_ms))

    def obeys(self, keys: Keys | None, timeout_s: float) -> bool:
        """Whether a request with these keys is answered."""
        with Control(self.control, keys=keys, timeout_s=timeout_s) as control:
            with suppress(NoDaemon):
                return control.pause("desk") == Done()
            return False

    def _serve(self) -> None:
        settings = Sockets(curve=self.curve)
        ring = KeyRing(self._context, self.curve)
        events = open_events(self._context, "tcp://127.0.0.1:*", settings)
        control = open_control(self._context, "tcp://127.0.0.1:*", settings)
        stop = self._context.socket(zmq.PAIR)
        stop.connect("inproc://stop")
        publisher = Publisher(events, "boot")
        server = ControlServer(control, lambda token, *_: server.reply(token, Done()))
        self.events, self.control = bound(events), bound(control)
        poller = zmq.Poller()
        for socket in (ring.socket, events, control, stop):
            poller.register(socket, zmq.POLLIN)
        self._ready.set()
        while stop not in (ready := dict(poller.poll(20_000))):
            if ring.socket in ready:
                ring.reload()
                ring.on_request()
                self.refused = ring.refused
            if events in ready:
                publisher.on_subscriptions()
                publisher.publish(ProfileDeleted(speaker="anna"))
            if control in ready:
                server.on_requests()
        for each in (events, control, stop):
            each.close(linger=0)
        ring.close()


def bound(socket: zmq.Socket[bytes]) -> str:
    """Where a socket listens."""
    endpoint = socket.get(zmq.LAST_ENDPOINT)
    assert isinstance(endpoint, bytes)
    return endpoint.rstrip(b"\0").decode()


@pytest.fixture
def fort(tmp_path: Path) -> Iterator[Fort]:
    with Fort(tmp_path) as made:
        yield made


def test_a_key_on_the_list_of_subscribers_receives_events(fort: Fort) -> None:
    assert fort.hears(fort.keys("tablet", "subscribers"), TIMEOUT_MS)
    assert fort.refused == 0


def test_a_key_on_the_list_of_controllers_is_obeyed(fort: Fort) -> None:
    assert fort.obeys(fort.keys("admin", "controllers"), TIMEOUT_MS / 1000)
    assert fort.refused == 0


def test_a_subscribers_key_cannot_control(fort: Fort) -> None:
    keys = fort.keys("tablet", "subscribers")
    assert not fort.obeys(keys, REFUSED_AFTER_MS / 1000)
    assert fort.refused > 0
    assert fort.hears(keys, TIMEOUT_MS)


def test_a_controllers_key_cannot_listen_unless_it_is_on_that_list_too(fort: Fort) -> None:
    assert not fort.hears(fort.keys("admin", "controllers"), REFUSED_AFTER_MS)
    assert fort.hears(fort.keys("both", "controllers", "subscribers"), TIMEOUT_MS)


def test_an_unknown_key_gets_nothing_and_is_counted(fort: Fort) -> None:
    stranger = fort.keys("stranger")
    assert not fort.hears(stranger, REFUSED_AFTER_MS)
    assert not fort.obeys(stranger, REFUSED_AFTER_MS / 1000)
    assert fort.refused >= 2


def test_without_a_key_nothing_is_received(fort: Fort) -> None:
    assert not fort.hears(None, REFUSED_AFTER_MS)
    assert not fort.obeys(None, REFUSED_AFTER_MS / 1000)


def test_a_server_with_another_key_is_not_believed(fort: Fort) -> None:
    keys = fort.keys("tablet", "subscribers")
    other, _ = new_key_pair(fort.folder / "elsewhere", "daemon")
    public, _ = zmq.auth.load_certificate(other)
    assert not fort.hears(
        Keys(server_public=public.decode(), public=keys.public, secret=keys.secret), REFUSED_AFTER_MS
    )


def test_files_that_are_no_keys_are_passed_over(fort: Fort) -> None:
    folder = fort.folder / "subscribers"
    (folder / "a.key").write_text("not a key")
    (folder / "b.key").write_text(f'curve\n    public-key = "{chr(126) * 40}"\n')
    (folder / "c.key").write_text('curve\n    public-key = "abc"\n')
    (folder / "d.key").write_bytes(b"\xff\xfe\x00")
    (folder / "e.key").mkdir()
    assert fort.hears(fort.keys("tablet", "subscribers"), TIMEOUT_MS)


def test_a_folder_that_is_not_there_allows_nobody(fort: Fort) -> None:
    keys = fort.keys("tablet", "subscribers")
    (fort.folder / "subscribers").rename(fort.folder / "moved")
    assert not fort.hears(keys, REFUSED_AFTER_MS)


def test_the_secret_key_is_its_owners_only_and_never_overwritten(tmp_path: Path) -> None:
    public, secret = new_key_pair(tmp_path / "keys", "tablet")
    assert (public.name, secret.name) == ("tablet.key", "tablet.key_secret")
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert b"secret-key" not in public.read_bytes()
    before = secret.read_bytes()
    with pytest.raises(FileExistsError, match="remove it first"):
        new_key_pair(tmp_path / "keys", "tablet")
    assert secret.read_bytes() == before
