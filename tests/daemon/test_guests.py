"""Streams are added and removed while the daemon runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from earwitness.control import ControlError
from earwitness.events import DaemonReloaded, StreamLost, StreamOpened, WindowScored

from .harness import Daemon


def cli(daemon: Daemon, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from earwitness.cli import main; main()"]
    options = ["--control", daemon.control_endpoint]
    return subprocess.run(
        [*command, *options, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "COLUMNS": "100"},
    )


def test_a_stream_is_added_heard_kept_over_a_reload_and_removed(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    settings = {
        "model": tiny_model,
        "streams": {"desk": {"source": "file", "path": recording, "paused": True}},
    }
    with Daemon(tmp_path, settings) as daemon:
        added = cli(daemon, "streams", "add", "lobby", "--source", "file", "--set", f"path={recording}")
        assert "until the daemon ends" in added.stdout
        assert daemon.wait_for(DaemonReloaded).changed == ["streams.lobby"]
        first = daemon.wait_for(StreamOpened, lambda event: event.stream == "lobby")
        daemon.wait_for(WindowScored, lambda event: event.stream == "lobby")
        assert daemon.control.reload().changed == []
        states = {each.stream: each.state for each in daemon.control.status().heartbeat.streams}
        assert states == {"desk": "paused", "lobby": "live"}
        assert "lobby" in cli(daemon, "streams").stdout
        with pytest.raises(ControlError, match="already") as caught:
            daemon.control.add_stream("lobby", {"source": "microphone"})
        assert caught.value.code == "conflict"
        daemon.control.remove_stream("lobby")
        lost = daemon.wait_for(StreamLost, lambda event: event.stream == "lobby")
        assert (lost.final, lost.stream_id) == (True, first.stream_id)
        assert [each.stream for each in daemon.control.status().heartbeat.streams] == ["desk"]
        again = cli(daemon, "streams", "add", "lobby", "--source", "file", "--set", f"path={recording}")
        assert again.returncode == 0
        second = daemon.wait_for(StreamOpened, lambda event: event.stream == "lobby")
        assert second.stream_id != first.stream_id
        refused = cli(daemon, "streams", "add", "porch", "--source", "file", "--set", "pth=/x.wav")
        assert refused.returncode != 0
        assert "streams.porch.pth" in refused.stderr
