"""An ipc socket is for its owner and one group: shown with processes of other users."""

from __future__ import annotations

import grp
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from earwitnessd.access.sockets import open_control, open_events
from earwitnessd.settings.root import Sockets

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody else"
)

STRANGER = 65534
CONNECT = f"""
import os, socket, sys
client = socket.socket(socket.AF_UNIX)
group = int(sys.argv[2])
os.setgroups([group] if group else [])
os.setgid({STRANGER})
os.setuid({STRANGER})
try:
    client.connect(sys.argv[1])
except PermissionError:
    sys.exit(13)
"""


@pytest.fixture
def group() -> grp.struct_group:
    return next(each for each in grp.getgrall() if 0 < each.gr_gid < STRANGER)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ew-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def connects(path: Path, group: int) -> bool:
    done = subprocess.run([sys.executable, "-c", CONNECT, str(path), str(group)], timeout=30, check=False)
    assert done.returncode in {0, 13}
    return done.returncode == 0


@pytest.mark.parametrize("opener", [open_events, open_control])
def test_only_members_of_the_group_can_connect(
    opener: Callable[..., zmq.Socket[bytes]], folder: Path, group: grp.struct_group
) -> None:
    with zmq.Context() as context:
        path = folder / "socket"
        with opener(context, f"ipc://{path}", Sockets(group=group.gr_name)):
            assert not connects(path, 0)
            assert connects(path, group.gr_gid)


def test_without_a_group_only_the_owner_can_connect(folder: Path, group: grp.struct_group) -> None:
    with zmq.Context() as context, open_events(context, f"ipc://{folder}/socket", Sockets()):
        assert not connects(folder / "socket", 0)
        assert not connects(folder / "socket", group.gr_gid)
