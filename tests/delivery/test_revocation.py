"""The real daemon: a key is refused, allowed and revoked while it runs, and it says so."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from earwitness import Control, NoDaemon
from earwitness.endpoints import Keys
from earwitnessd.access.keys import new_key_pair, revoke
from earwitnessd.settings.root import Curve
from tests.daemon.conftest import recording, tiny_model
from tests.daemon.harness import Daemon

__all__ = ["recording", "tiny_model"]


@pytest.mark.slow
def test_a_revoked_key_is_cut_off_within_seconds(tmp_path: Path, tiny_model: str, recording: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        control = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    server, secret = new_key_pair(tmp_path, "daemon")
    lists = {"subscribers": str(tmp_path / "sub"), "controllers": str(tmp_path / "con")}
    keys = {}
    for name, folder in (("tablet", "sub"), ("admin", "con")):
        public, private = new_key_pair(tmp_path / "clients", name)
        (tmp_path / folder).mkdir()
        (tmp_path / folder / public.name).write_bytes(public.read_bytes())
        keys[name] = Keys.load(private, server)
    daemon = Daemon(tmp_path, {})
    sockets = {
        "events": daemon.events_endpoint,
        "control": control,
        "curve": {"secret_key_file": str(secret), **lists},
    }
    streams = {"desk": {"source": "file", "path": recording, "loop": True}}
    daemon.write({"model": tiny_model, "streams": streams, "sockets": sockets})
    with (
        daemon,
        Control(control, keys=keys["admin"], timeout_s=3) as admin,
        Control(control, keys=keys["tablet"], timeout_s=1) as tablet,
    ):
        assert admin.status().boot
        with pytest.raises(NoDaemon):
            tablet.status()
        assert daemon.heartbeat(lambda beat: beat.sockets.refused_clients > 0)
        curve = Curve(secret_key_file=str(secret), **lists)
        revoke(curve, "admin")
        assert daemon.heartbeat(lambda beat: beat.sockets.cut_clients > 0)
        with pytest.raises(NoDaemon):
            admin.status()
        assert "control: refused a client from 127.0.0.1" in daemon.log
        assert "is revoked" in daemon.log
