"""The public sockets belong to one daemon and one group."""

from __future__ import annotations

import grp
import os
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import zmq

from earwitness.events import AnyEvent
from earwitnessd.access.sockets import MAX_PATH, SocketError, claim, open_control, open_events, resolve
from earwitnessd.settings.root import Curve, Sockets

Context = zmq.Context[zmq.Socket[bytes]]
Opens = Callable[[Context, str, Sockets], zmq.Socket[bytes]]
BOTH = pytest.mark.parametrize("opens", [open_events, open_control])


@pytest.fixture
def context() -> Iterator[Context]:
    made: Context = zmq.Context()
    yield made
    made.term()  # hangs, and so fails, if a socket was left open


def complaint(action: Callable[[], object]) -> str:
    with pytest.raises(SocketError) as refused:
        action()
    return str(refused.value)


@BOTH
def test_an_ipc_socket_is_open_to_owner_and_group_only(
    context: Context, tmp_path: Path, opens: Opens
) -> None:
    before = os.umask(0)
    os.umask(before)
    with opens(context, f"ipc://{tmp_path}/socket", Sockets()):
        mode = (tmp_path / "socket").stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o660
    assert os.umask(before) == before


@BOTH
def test_an_ipc_socket_belongs_to_the_group_that_was_named(
    context: Context, tmp_path: Path, opens: Opens
) -> None:
    if os.getuid() != 0:
        pytest.skip("giving a file to any group needs root")
    group = next(each for each in grp.getgrall() if each.gr_gid != os.getgid())
    with opens(context, f"ipc://{tmp_path}/socket", Sockets(group=group.gr_name)):
        assert (tmp_path / "socket").stat().st_gid == group.gr_gid


@BOTH
def test_a_group_that_does_not_exist_is_refused_with_what_to_do(
    context: Context, tmp_path: Path, opens: Opens
) -> None:
    said = complaint(lambda: opens(context, f"ipc://{tmp_path}/socket", Sockets(group="no-such-group")))
    assert said == (
        "sockets.group = 'no-such-group': there is no such group (groupadd --system no-such-group)"
    )


def test_a_path_is_as_long_as_the_kernel_takes_and_not_longer(context: Context, tmp_path: Path) -> None:
    room = MAX_PATH - len(os.fsencode(tmp_path)) - 1
    longest = f"ipc://{tmp_path}/{'x' * room}"
    with open_events(context, longest, Sockets()):
        pass
    for action in (lambda: open_events(context, f"{longest}x", Sockets()), lambda: claim(f"{longest}x")):
        assert complaint(action).endswith("the path has 108 characters; the kernel takes 107")


def test_the_longest_topic_can_be_subscribed_to(context: Context, tmp_path: Path) -> None:
    stream, speaker = "s" * 32, "\U00010400" * 64  # letters of four bytes
    topic = max(
        (f"{event.__struct_config__.tag}.{stream}.{speaker}" for event in AnyEvent.__args__), key=len
    ).encode()
    endpoint = f"ipc://{tmp_path}/events"
    with open_events(context, endpoint, Sockets()) as events, context.socket(zmq.SUB) as subscriber:
        subscriber.subscribe(topic)
        subscriber.connect(endpoint)
        assert events.poll(5000)
        assert events.recv() == b"\1" + topic


def test_an_abstract_socket_is_refused(context: Context) -> None:
    said = complaint(lambda: open_events(context, "ipc://@earwitness", Sockets()))
    assert "an abstract socket has no owner" in said
    assert "an abstract socket has no owner" in complaint(lambda: claim("ipc://@earwitness"))


def test_a_folder_that_is_not_there_is_named(context: Context, tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/none/socket"
    assert complaint(lambda: open_events(context, endpoint, Sockets())).startswith(f"{endpoint}: cannot bind")


def test_a_port_that_is_taken_is_named(context: Context) -> None:
    with context.socket(zmq.PULL) as other:
        port = other.bind_to_random_port("tcp://127.0.0.1")
        said = complaint(lambda: open_events(context, f"tcp://127.0.0.1:{port}", Sockets(insecure=True)))
    assert said.startswith(f"tcp://127.0.0.1:{port}: cannot bind: Address already in use")
    assert "another program holds the port" in said


def test_a_secret_key_file_must_hold_a_secret_key(context: Context, tmp_path: Path) -> None:
    public, secret = zmq.auth.create_certificates(tmp_path, "daemon")
    (tmp_path / "text").write_text("not a key")
    (tmp_path / "short").write_text('metadata\ncurve\n    public-key = "abc"\n    secret-key = "abc"\n')
    for file in (public, tmp_path / "text", tmp_path / "short", tmp_path / "none", tmp_path):
        curve = Curve(secret_key_file=str(file), subscribers=str(tmp_path), controllers=str(tmp_path))
        said = complaint(partial(open_events, context, "tcp://127.0.0.1:*", Sockets(curve=curve)))
        assert said.startswith(f"sockets.curve.secret_key_file = {str(file)!r}: ")
    assert Path(secret).exists()


def test_a_second_daemon_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/run/events"
    first = claim(endpoint)
    assert first is not None
    assert complaint(lambda: claim(endpoint)).startswith(f"{endpoint} is in use by another earwitnessd")
    other = claim(f"ipc://{tmp_path}/run/control")
    assert other is not None
    other.close()
    first.close()
    again = claim(endpoint)
    assert again is not None
    again.close()


def test_a_port_needs_no_claim() -> None:
    assert claim("tcp://127.0.0.1:7801") is None


def test_a_place_where_no_lock_can_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    endpoint = f"ipc://{tmp_path}/file/events"
    assert complaint(lambda: claim(endpoint)).startswith(f"{endpoint}: ")


def test_auto_is_the_runtime_directory_and_anything_else_is_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    endpoints = resolve(Sockets(control="tcp://127.0.0.1:7802"))
    assert endpoints.events == f"ipc://{tmp_path}/events"
    assert endpoints.control == "tcp://127.0.0.1:7802"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "made-first"
    folder.mkdir()
    os.chown(folder, 12345, -1)
    with pytest.raises(SocketError, match="belongs to another user"):
        claim(f"ipc://{folder}/events")
