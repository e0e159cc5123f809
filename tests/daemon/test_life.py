from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from earwitness.events import (
    DaemonReloaded,
    DaemonStopping,
    Heartbeat,
    StreamLost,
    StreamOpened,
    WindowScored,
)
from earwitness.notices import Restarted
from earwitnessd.demo.conversation import FOLDER
from tests.daemon.harness import Daemon, children_of, gone

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")


def replay(recording: str, **more: object) -> dict[str, object]:
    return {"source": "file", "path": recording, "loop": True, **more}


def test_sigterm_stops_everything_within_two_seconds(tmp_path: Path, tiny_model: str, recording: str) -> None:
    with Daemon(tmp_path, {"model": tiny_model, "streams": {"desk": replay(recording)}}) as daemon:
        daemon.wait_for(WindowScored)
        children = daemon.children()
        assert children
        began = time.monotonic()
        status = daemon.stop(signal.SIGTERM)
        took_s = time.monotonic() - began
        assert status == 0
        assert took_s < 2.0
        assert all(gone(child, 0.1) for child in children)
        assert daemon.wait_for(DaemonStopping).reason == "SIGTERM"


def test_a_disk_that_does_not_answer_holds_up_no_stop(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    log = tmp_path / "audit.jsonl"
    os.mkfifo(log)  # nobody reads it: the thread that writes waits for ever, as for a lost network disk
    settings = {"model": tiny_model, "streams": {"desk": replay(recording)}, "audit": {"file": str(log)}}
    with Daemon(tmp_path, settings) as daemon:
        daemon.wait_for(WindowScored)
        began = time.monotonic()
        status = daemon.stop(signal.SIGTERM)
        took_s = time.monotonic() - began
        assert daemon.wait_for(DaemonStopping).reason == "SIGTERM"
        assert status == 0
        assert took_s < 2.0
        assert "leaving without the last of the audit log" in daemon.log


def test_sigint_stops_it_while_the_model_loads(tmp_path: Path, tiny_model: str, recording: str) -> None:
    daemon = Daemon(tmp_path, {"model": tiny_model, "streams": {"desk": replay(recording)}})
    daemon.launch()
    lock = Path(daemon.events_endpoint.removeprefix("ipc://") + ".lock")
    deadline = time.monotonic() + 30
    while not lock.exists() and time.monotonic() < deadline:
        assert daemon.process.poll() is None
        os.sched_yield()
    assert daemon.stop(signal.SIGINT) in {0, 3}
    daemon.discard()


def test_a_second_daemon_on_the_same_sockets_is_refused(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    with Daemon(tmp_path, {"model": tiny_model, "streams": {"desk": replay(recording)}}) as first:
        command = [sys.executable, "-m", "earwitnessd", "run", "--config", str(first.config)]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 3
        assert second.stderr.count("\n") == 1
        assert "in use by another earwitnessd" in second.stderr
        first.heartbeat()


def test_a_killed_daemon_takes_its_children_along_and_comes_back_with_its_profiles(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    with Daemon(tmp_path, {"model": tiny_model, "streams": {"desk": replay(recording)}}) as daemon:
        before = daemon.control.status()
        daemon.control.enroll_audio("anna", FOLDER / "enrol_anna.ogg")
        children = daemon.children()
        daemon.stop(signal.SIGKILL)
        assert all(gone(child, 3.0) for child in children)
        daemon.start()
        after = daemon.control.status()
        assert after.boot != before.boot
        assert [person.name for person in daemon.control.profiles().profiles] == ["anna"]


def test_subscribers_learn_of_a_new_boot(tmp_path: Path, tiny_model: str, recording: str) -> None:
    with Daemon(tmp_path, {"model": tiny_model, "streams": {"desk": replay(recording)}}) as daemon:
        first = daemon.heartbeat()
        daemon.stop(signal.SIGKILL)
        daemon.launch()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            item = daemon.subscription.receive(5.0)
            if isinstance(item, Restarted):
                break
        assert isinstance(item, Restarted)
        assert item.previous == first.boot


def test_a_killed_capture_process_is_replaced_under_a_new_stream_id(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    with Daemon(tmp_path, {"model": tiny_model, "streams": {"desk": replay(recording)}}) as daemon:
        opened = daemon.wait_for(StreamOpened)
        (child,) = children_of(daemon.pid)
        os.kill(child, signal.SIGKILL)
        lost = daemon.wait_for(StreamLost)
        again = daemon.wait_for(StreamOpened)
        assert lost.stream_id == opened.stream_id
        assert again.stream_id != opened.stream_id
        assert not lost.final
        beat = daemon.heartbeat(lambda beat: beat.streams[0].state == "live")
        assert beat.streams[0].restarts == 1
        assert beat.streams[0].opened == 2


@pytest.mark.slow
def test_a_frozen_capture_process_is_killed_and_replaced(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    with Daemon(tmp_path, {"model": tiny_model, "streams": {"desk": replay(recording)}}) as daemon:
        opened = daemon.wait_for(StreamOpened)
        (child,) = children_of(daemon.pid)
        os.kill(child, signal.SIGSTOP)
        again = daemon.wait_for(StreamOpened, within_s=30)
        assert again.stream_id != opened.stream_id
        assert gone(child, 1.0)
        beat = daemon.heartbeat()
        assert beat.streams[0].kills == 1
        assert beat.boot == opened.boot


def test_a_recording_that_is_no_audio_fails_alone(tmp_path: Path, tiny_model: str, recording: str) -> None:
    text = tmp_path / "speech.wav"
    text.write_text("this is not sound", encoding="utf-8")
    streams = {"bad": {"source": "file", "path": str(text)}, "good": replay(recording)}
    with Daemon(tmp_path, {"model": tiny_model, "streams": streams}) as daemon:
        lost = daemon.wait_for(StreamLost, lambda event: event.stream == "bad")
        assert lost.final
        assert str(text) in lost.reason
        daemon.wait_for(WindowScored, lambda event: event.stream == "good")
        beat = daemon.heartbeat(lambda beat: beat.streams[1].state == "live")
        assert beat.streams[0].state == "ended"
        assert beat.streams[0].reason == lost.reason


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"modell": "builtin"}, "did you mean 'model'?"),
        ({"model": "no/such-model"}, "earwitnessd model pull no/such-model"),
        ({"windows": {"hop_s": 0}}, "windows.hop_s = 0: must be a number at least 0.05"),
        ({"engine": {"device": "cuda:99"}}, "cuda:99"),
    ],
)
def test_what_cannot_start_says_why_in_one_line_and_exits_with_3(
    tmp_path: Path, tiny_model: str, settings: dict[str, object], expected: str
) -> None:
    daemon = Daemon(tmp_path, {"model": tiny_model, **settings})
    daemon.launch()
    assert daemon.process.wait(60) == 3
    daemon.discard()
    last = daemon.log.strip().splitlines()[-1]
    assert last.startswith("earwitnessd: ")
    assert expected in last


def test_reload_adds_and_removes_streams_and_says_what_needs_a_restart(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    settings = {"model": tiny_model, "streams": {"desk": replay(recording)}}
    with Daemon(tmp_path, settings) as daemon:
        daemon.wait_for(StreamOpened)
        daemon.write(
            {
                **settings,
                "streams": {"hall": replay(recording)},
                "decision": {"ttl_s": 9.0},
                "log_level": "debug",
            }
        )
        daemon.process.send_signal(signal.SIGHUP)
        reloaded = daemon.wait_for(DaemonReloaded)
        assert reloaded.error is None
        assert sorted(reloaded.changed) == ["decision", "streams.desk", "streams.hall"]
        assert reloaded.restart_needed == ["log_level"]
        lost = daemon.wait_for(StreamLost)
        assert (lost.stream, lost.reason, lost.final) == ("desk", "removed from the settings", True)
        assert daemon.wait_for(StreamOpened).stream == "hall"
        live = [("hall", "live")]
        daemon.heartbeat(lambda beat: [(stream.stream, stream.state) for stream in beat.streams] == live)


def test_a_broken_file_on_reload_changes_nothing(tmp_path: Path, tiny_model: str, recording: str) -> None:
    settings = {"model": tiny_model, "streams": {"desk": replay(recording)}}
    with Daemon(tmp_path, settings) as daemon:
        opened = daemon.wait_for(StreamOpened)
        daemon.write({**settings, "streams": {"desk": {"source": "fil"}}})
        daemon.process.send_signal(signal.SIGHUP)
        reloaded = daemon.wait_for(DaemonReloaded)
        assert reloaded.error is not None
        assert "streams.desk.source = 'fil'" in reloaded.error
        beat = daemon.heartbeat(lambda beat: beat.streams[0].state == "live")
        assert beat.streams[0].stream_id == opened.stream_id


def test_pause_lets_go_of_the_source_and_resume_opens_it_anew(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    with Daemon(tmp_path, {"model": tiny_model, "streams": {"desk": replay(recording)}}) as daemon:
        opened = daemon.wait_for(StreamOpened)
        daemon.control.pause("desk")
        lost = daemon.wait_for(StreamLost)
        assert (lost.reason, lost.final) == ("paused", True)
        daemon.heartbeat(lambda beat: beat.streams[0].state == "paused")
        assert daemon.children() == []
        daemon.control.resume("desk")
        assert daemon.wait_for(StreamOpened).stream_id != opened.stream_id


def test_systemd_is_told_of_readiness_state_progress_and_stopping(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(30)
        environment = {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "20000000"}
        settings = {"model": tiny_model, "streams": {"desk": replay(recording)}}
        with Daemon(tmp_path, settings, environment=environment) as daemon:
            said: list[str] = []
            while "WATCHDOG=1" not in said:
                said.append(manager.recv(4096).decode())
            daemon.stop()
            manager.settimeout(1)
            try:
                while True:
                    said.append(manager.recv(4096).decode())
            except TimeoutError:
                pass
    assert said[0].startswith("STATUS=loading the model")
    assert said.index("READY=1") < said.index("WATCHDOG=1") < said.index("STOPPING=1")
    assert any(line.startswith("STATUS=desk ") and "tiny on cpu" in line for line in said)


def test_the_heartbeat_names_the_model_and_counts_everything(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    with Daemon(tmp_path, {"model": tiny_model, "streams": {"desk": replay(recording)}}) as daemon:
        daemon.control.enroll_audio("anna", FOLDER / "enrol_anna.ogg")
        first: Heartbeat = daemon.heartbeat(lambda beat: beat.profiles == 1)
        later = daemon.heartbeat(lambda beat: beat.streams[0].windows_scored > 0)
        assert later.engine.model_id.startswith("tiny@")
        assert later.seq > first.seq
        assert later.streams[0].position > first.streams[0].position
        assert later.sockets.control_requests >= 1
        assert later.rss_mb > 50
