"""Who may not stay is shown out over real sockets, and who never may come in hears not a byte."""

from __future__ import annotations

import re
import select
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from earwitness import Control, Disconnected, NoDaemon, subscribe
from earwitness.endpoints import Keys, secure
from earwitness.events import Event, StreamGap
from earwitnessd.access.keys import new_key_pair, revoke
from earwitnessd.access.sockets import SocketError, open_events
from earwitnessd.settings.root import Curve, Sockets
from tests.delivery.station import Station

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads file descriptors from libzmq")

WITHIN_S = 15.0
NULL_GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" + bytes(31)
NULL_READY = b"\x04\x19" + b"\x05READY" + b"\x0bSocket-Type" + b"\x00\x00\x00\x03SUB"
SUBSCRIBE_ALL = b"\x00\x01\x01"


class Fort:
    """A station with CURVE on loopback, and keys for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server_public, secret = new_key_pair(folder, "daemon")
        for name in ("subscribers", "controllers"):
            (folder / name).mkdir()
        self.curve = Curve(
            secret_key_file=str(secret),
            subscribers=str(folder / "subscribers"),
            controllers=str(folder / "controllers"),
        )
        self._made: dict[str, Keys] = {}
        self.admin = self.keys("admin", "controllers")
        self.keys("remote", "controllers")
        for name in ("tablet", "hall"):
            self.keys(name, "subscribers")
        tcp = "tcp://127.0.0.1:*"
        self.station = Station(settings=Sockets(events=tcp, control=tcp, curve=self.curve))

    def keys(self, name: str, *lists: str) -> Keys:
        if name in self._made:
            return self._made[name]
        public, secret = new_key_pair(self.folder / "clients", name)
        for each in lists:
            (self.folder / each / public.name).write_bytes(public.read_bytes())
        self._made[name] = Keys.load(secret, self.server_public)
        return self._made[name]

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self.station.events.rpartition(":")[2])

    def figures(self) -> dict[str, int]:
        return self.station.figures(self.admin)

    def await_log(self, pattern: str) -> None:
        """Ask until the log says it; each question takes the daemon round its loop once."""
        for _ in range(2000):
            if re.search(pattern, self.station.log.read_text()):
                return
            self.figures()
        raise AssertionError(f"the log never said {pattern!r}:\n{self.station.log.read_text()}")


@pytest.fixture
def fort(tmp_path: Path) -> Iterator[Fort]:
    made = Fort(tmp_path)
    with made.station:
        yield made


def hears(endpoint: str, keys: Keys | None, within_ms: int) -> bool:
    with zmq.Context() as context, context.socket(zmq.SUB) as client:
        client.linger = 0
        secure(client, endpoint, keys)
        client.subscribe(b"")
        client.connect(endpoint)
        return bool(client.poll(within_ms))


@pytest.mark.parametrize(
    ("which", "logged"),
    [
        ("none", "a handshake failed"),
        ("unknown", "refused a client from 127.0.0.1: its key is not on the list"),
        ("of another daemon", "a handshake failed: no key, one for another daemon"),
        ("revoked", "refused a client from 127.0.0.1"),
        ("a controller's", "events: refused a client"),
    ],
)
def test_who_has_no_right_key_hears_nothing_is_counted_and_logged(
    fort: Fort, which: str, logged: str
) -> None:
    known = fort.keys("tablet")
    keys: Keys | None = {"unknown": fort.keys("stranger"), "a controller's": fort.admin}.get(which)
    if which == "of another daemon":
        other, _ = zmq.curve_keypair()
        keys = Keys(server_public=other.decode(), public=known.public, secret=known.secret)
    if which == "revoked":
        keys = known
        with subscribe(fort.station.events, keys=known, timeout_s=WITHIN_S) as subscription:
            next(item for item in subscription if isinstance(item, Event))
            revoke(fort.curve, "tablet")
            while subscription.receive(1.0) is not None:
                pass
    before = fort.figures()["refused_clients"]
    assert not hears(fort.station.events, keys, 600)
    fort.await_log(logged)
    assert fort.figures()["refused_clients"] > before


def test_revoking_a_key_cuts_its_connection_and_no_other(fort: Fort) -> None:
    with (
        subscribe(fort.station.events, keys=fort.keys("tablet"), timeout_s=WITHIN_S) as doomed,
        subscribe(fort.station.events, keys=fort.keys("hall"), timeout_s=WITHIN_S) as other,
    ):
        for subscription in (doomed, other):
            next(item for item in subscription if isinstance(item, Event))
        assert [file.name for file in revoke(fort.curve, "tablet")] == ["tablet.key.revoked"]
        last = 0
        while (item := doomed.receive(1.0)) is not None:
            last = max(last, getattr(item, "seq", 0))
        assert not doomed.connected
        number = fort.figures()["events"]
        assert last < number - 100
        heard = []
        for item in other:
            heard.append(item)
            if isinstance(item, StreamGap) and item.seq > number:
                break
        assert not any(isinstance(item, Disconnected) for item in heard)
        assert other.counts.missed == 0
        assert fort.figures()["cut_clients"] >= 1
    fort.await_log("is revoked")


def test_a_revoked_controller_is_no_longer_obeyed(fort: Fort) -> None:
    with Control(fort.station.control, keys=fort.keys("remote"), timeout_s=0.7) as control:
        assert control.pause("desk").message
        revoke(fort.curve, "remote")
        fort.await_log("control: ended a connection: key .* is revoked")
        with pytest.raises(NoDaemon):
            control.pause("desk")


def test_a_revoked_key_that_never_said_anything_is_cut_as_well(fort: Fort) -> None:
    keys = fort.keys("tablet")
    with zmq.Context() as context, context.socket(zmq.SUB) as silent:
        silent.linger = 0
        silent.reconnect_ivl = -1
        secure(silent, fort.station.events, keys)
        monitor = silent.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        silent.connect(fort.station.events)
        assert monitor.poll(10_000)
        monitor.recv_multipart()
        revoke(fort.curve, "tablet")
        assert monitor.poll(10_000)
        silent.subscribe(b"")
        assert not silent.poll(300)
        silent.disable_monitor()
        monitor.close(linger=0)


@pytest.mark.parametrize(
    "says",
    [b"", NULL_GREETING, NULL_GREETING + NULL_READY + SUBSCRIBE_ALL, b"GET / HTTP/1.1\r\n\r\n", bytes(900)],
)
def test_a_tcp_client_without_a_key_gets_not_a_byte_of_an_event(fort: Fort, says: bytes) -> None:
    caught = b""
    with socket.create_connection(fort.address, timeout=5) as client:
        client.sendall(says)
        while select.select([client], [], [], 0.7)[0]:
            try:
                data = client.recv(65536)
            except ConnectionResetError:
                break
            if not data:
                break
            caught += data
    assert len(caught) <= 64 + 9  # its greeting and no more
    assert b"{" not in caught
    assert b"stream" not in caught


def test_whoever_listens_on_the_line_reads_no_event(fort: Fort) -> None:
    """A proxy between a subscriber and the daemon keeps all bytes."""
    caught: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def accept() -> None:
        with listener:
            while not over.is_set():
                if select.select([listener], [], [], 0.2)[0]:
                    pass_on(listener.accept()[0])

    def pass_on(near: socket.socket) -> None:
        with near, socket.create_connection(fort.address) as far:
            other = {near: far, far: near}
            while not over.is_set():
                for end in select.select([near, far], [], [], 0.2)[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    caught.append(data)
                    other[end].sendall(data)

    thread = threading.Thread(target=accept)
    thread.start()
    endpoint = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    with subscribe(endpoint, keys=fort.keys("tablet"), timeout_s=WITHIN_S) as subscription:
        heard = [next(item for item in subscription if isinstance(item, StreamGap)) for _ in range(5)]
    over.set()
    thread.join(10)
    line = b"".join(caught)
    assert len(line) > 1000
    for word in (b"stream.gap", b"desk", b'"boot"', heard[0].boot.encode()):
        assert word not in line


def test_a_secret_key_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    _, secret = new_key_pair(tmp_path, "daemon")
    secret.chmod(0o640)
    curve = Curve(secret_key_file=str(secret), subscribers=str(tmp_path), controllers=str(tmp_path))
    with (
        zmq.Context() as context,
        pytest.raises(SocketError, match=rf"others can read it \(mode 0640\): chmod 600 {secret}"),
    ):
        open_events(context, "tcp://127.0.0.1:*", Sockets(curve=curve))


def test_too_many_clients_are_shown_out_and_those_inside_stay() -> None:
    with Station(settings=Sockets(max_clients=3)) as station, zmq.Context() as context:
        inside = []
        for number in range(6):
            client = context.socket(zmq.SUB)
            client.linger = 0
            client.reconnect_ivl = -1
            client.subscribe(b"")
            client.connect(station.events)
            if number < 3:
                assert client.poll(10_000)
            inside.append(client)
        for client in inside[:3]:
            while client.poll(0):
                client.recv_multipart()
            assert client.poll(10_000)
        figures = station.figures()
        assert figures["clients"] <= 3 + 1  # and whoever asks
        assert figures["cut_clients"] == 3
        for client in inside:
            client.close()


def test_a_key_that_is_allowed_later_is_tried_again(fort: Fort) -> None:
    keys = fort.keys("late")
    with subscribe(fort.station.events, keys=keys, timeout_s=WITHIN_S) as subscription:
        next(item for item in subscription if "not accept our key" in getattr(item, "reason", ""))
        (fort.folder / "subscribers" / "late.key").write_bytes(
            (fort.folder / "clients" / "late.key").read_bytes()
        )
        next(item for item in subscription if isinstance(item, Event))
