from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.daemon.conftest import recording, tiny_model
from tests.daemon.harness import Daemon

__all__ = ["recording", "tiny_model"]


def doctor(config: Path, *arguments: str, home: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "earwitnessd", "doctor", "--config", str(config), *arguments]
    environ = {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home / "data")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False, env=environ)
    return done.returncode, done.stdout + done.stderr


def test_a_running_daemon_is_asked_and_its_devices_are_left_alone(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    streams = {"desk": {"source": "file", "path": recording, "loop": True}}
    with Daemon(tmp_path, {"model": tiny_model, "streams": streams}) as daemon:
        daemon.heartbeat(lambda beat: beat.streams[0].state == "live")
        status, text = doctor(daemon.config, "--json", home=tmp_path)
        found = {finding["subject"]: finding for finding in json.loads(text)}
        assert status in {0, 1}  # 1: a disk of this machine's that is full
        assert str(daemon.pid) in found["daemon"]["says"]
        assert found["stream desk"]["says"].startswith("live: ")
        assert found["control"]["verdict"] == "ok"
        assert all(finding["fix"] for finding in found.values() if finding["verdict"] == "wrong")


def test_what_is_wrong_is_told_with_what_mends_it_and_an_exit_status(tmp_path: Path, tiny_model: str) -> None:
    config = tmp_path / "daemon.yaml"
    settings = {
        "model": tiny_model,
        "profiles": str(tmp_path / "profiles.db"),
        "sockets": {"events": f"ipc://{tmp_path}/e", "control": f"ipc://{tmp_path}/c"},
        "streams": {"talk": {"source": "file", "path": str(tmp_path / "no.wav")}},
    }
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    status, text = doctor(config, home=tmp_path)
    assert status == 1
    assert "wrong" in text
    assert "→ correct `path` in the settings" in text
    assert not (tmp_path / "profiles.db").exists()  # it only looks
    assert not (tmp_path / "c").exists()


def test_settings_that_cannot_be_used_end_it(tmp_path: Path) -> None:
    config = tmp_path / "daemon.yaml"
    config.write_text("modell: builtin\n", encoding="utf-8")
    status, text = doctor(config, home=tmp_path)
    assert status == 2
    assert "did you mean 'model'?" in text
