"""Daemons that share and follow stop as soon as others do, whatever holds them up."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from earwitness.events import DaemonStopping, ProfileEnrolled, WindowScored
from tests.daemon.harness import Daemon
from tests.ports import free_port

from .daemons import FollowerDaemon, Writer, bring

STOPS_WITHIN_S = 2.0


def with_everything(daemon: Daemon, recording: str) -> None:
    """A stream that talks, evidence, metrics."""
    settings = yaml.safe_load(daemon.config.read_text(encoding="utf-8"))
    settings["streams"] = {"desk": {"source": "file", "path": recording, "loop": True}}
    settings["evidence"] = {"keep": True, "directory": str(daemon.folder / "evidence")}
    settings["metrics"] = {"listen": f"127.0.0.1:{free_port()}"}
    daemon.config.write_text(yaml.safe_dump(settings), encoding="utf-8")


def stopped_in_s(daemon: Daemon) -> float:
    began_s = time.monotonic()
    status = daemon.stop(signal.SIGTERM)
    took_s = time.monotonic() - began_s
    assert status == 0
    assert daemon.wait_for(DaemonStopping).reason == "SIGTERM"
    return took_s


@pytest.mark.slow
def test_a_writer_and_its_follower_stop_in_time_with_everything_on(
    tiny_model: str, recording: str, tmp_path: Path
) -> None:
    writer = Writer(tmp_path / "writer", tiny_model)
    hall = FollowerDaemon(tmp_path / "hall", writer)
    for daemon in (writer, hall):
        with_everything(daemon, recording)
    with writer, hall:
        bring(writer.control, "anna", 1, writer.control.status().heartbeat.engine.model_id)
        hall.wait_for(ProfileEnrolled)
        for daemon in (hall, writer):
            daemon.wait_for(WindowScored)
        for daemon in (writer, hall):  # the follower waits for an answer, and gets none
            assert stopped_in_s(daemon) < STOPS_WITHIN_S
            assert "leaving without" not in daemon.log


@pytest.mark.slow
def test_a_follower_whose_disk_does_not_answer_stops_in_time_and_has_taken_nothing_by_halves(
    tiny_model: str, recording: str, tmp_path: Path
) -> None:
    writer = Writer(tmp_path / "writer", tiny_model)
    hall = FollowerDaemon(tmp_path / "hall", writer)
    with_everything(hall, recording)
    os.mkfifo(hall.folder / "audit.jsonl")  # nobody reads it: the audit log waits, too
    with writer, hall:
        model_id = writer.control.status().heartbeat.engine.model_id
        bring(writer.control, "anna", 1, model_id)
        hall.wait_for(ProfileEnrolled)
        with closing(sqlite3.connect(hall.folder / "profiles.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            bring(writer.control, "ben", 2, model_id)
            hall.heartbeat()
            assert stopped_in_s(hall) < STOPS_WITHIN_S
            assert "leaving without the last of the audit log" in hall.log
            other.execute("ROLLBACK")
        (hall.folder / "audit.jsonl").unlink()
        hall.start()
        hall.wait_for(ProfileEnrolled, lambda event: event.speaker == "ben")
        assert sorted(hall.names()) == ["anna", "ben"]
