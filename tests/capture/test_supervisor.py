from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
import zmq

from earwitnessd.capture.child import describe_exit
from earwitnessd.capture.inbox import Inbox
from earwitnessd.capture.job import Exit, Job
from earwitnessd.capture.messages import Ended, Opened
from earwitnessd.capture.supervisor import CaptureSupervisor, Patience
from earwitnessd.settings.sources import Pipe
from tests.capture.harness import BOOT, Capture


@pytest.fixture
def fifo(tmp_path: Path) -> Pipe:
    """A source that stays alive for ever and costs nothing: a FIFO that nobody writes to."""
    path = tmp_path / "mic.fifo"
    os.mkfifo(path)
    return Pipe(path=str(path))


@pytest.fixture
def inbox() -> Iterator[str]:
    """Where nobody takes anything."""
    with tempfile.TemporaryDirectory(prefix="ew") as folder:
        path = str(Path(folder) / "audio")
        with closing(Inbox(path)):
            yield path


def is_gone(pid: int) -> bool:
    """Dead, or dead and not reaped by a stranger."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_killed_process_is_replaced_under_a_new_stream_id(fifo: Pipe) -> None:
    with Capture(fifo) as capture:
        capture.until_state("waiting")
        first = capture.supervisor.status
        assert first.pid is not None
        os.kill(first.pid, signal.SIGKILL)
        assert capture.until_state("backing_off") < 0.5
        capture.until_state("waiting")
        second = capture.supervisor.status
    assert (first.stream_id, second.stream_id) == ("01234567-desk-1", "01234567-desk-2")
    assert (second.restarts, second.kills) == (1, 0)
    assert second.reason == "the capture process was killed by SIGKILL"
    (lost,) = [entered for entered in capture.transitions if entered.state == "backing_off"]
    assert lost.stream_id == first.stream_id


def test_a_process_that_shows_no_life_is_killed_and_counted(fifo: Pipe) -> None:
    with Capture(fifo, patience=Patience(hang_s=2.0)) as capture:
        capture.until_state("waiting")
        pid = capture.supervisor.status.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        assert 1.0 < capture.until_state("backing_off") < 3.5
        capture.until_state("waiting")
        assert is_gone(pid)
        assert capture.supervisor.status.kills == 1
        assert "no sign of life" in capture.supervisor.status.reason


def test_a_process_that_listens_wakes_nobody_by_living_and_is_missed_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "mic.fifo"
    os.mkfifo(path)
    with path.open("w+b", buffering=0) as writer, Capture(Pipe(path=str(path))) as capture:
        capture.until_state("waiting")
        polled = len(capture.supervisor.filenos())
        writer.write(bytes(32_000))
        capture.until_state("listening")
        assert len(capture.supervisor.filenos()) == polled - 1
        pid = capture.supervisor.status.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        capture.until_state("backing_off")
        assert "no sign of life" in capture.supervisor.status.reason


def test_a_process_that_never_gets_started_is_given_longer_but_not_for_ever(fifo: Pipe) -> None:
    with Capture(fifo, patience=Patience(start_s=0.02)) as capture:
        capture.until(lambda: capture.supervisor.status.kills == 1)


def test_a_main_thread_that_slept_judges_nobody(fifo: Pipe) -> None:
    with Capture(fifo) as capture:
        capture.until_state("waiting")
        later_s = time.monotonic() + 3600.0
        assert capture.supervisor.tick(later_s) == []
        assert capture.supervisor.status.state == "waiting"
        assert capture.supervisor.status.kills == 0


def test_the_back_off_doubles_up_to_its_cap(tmp_path: Path) -> None:
    waits: list[float] = []
    with Capture(Pipe(path=str(tmp_path / "absent"))) as capture:
        now_s = time.monotonic()
        for _ in range(5):
            capture.until_state("backing_off")
            waits.append(round(capture.supervisor.due_in_s(time.monotonic()) + 0.05, 1))
            now_s = max(now_s, time.monotonic()) + 2.0  # the back-off is over at once
            capture.supervisor.tick(now_s)
            assert capture.supervisor.status.state == "starting"
    assert waits == pytest.approx([0.25, 0.5, 1.0, 2.0, 2.0], abs=0.1)


def test_a_device_that_stays_away_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    absent = tmp_path / "absent"
    with Capture(Pipe(path=str(absent))) as capture:
        capture.until(lambda: capture.supervisor.openings == 3)
        capture.until_state("backing_off")
        os.mkfifo(absent)
        with absent.open("w+b", buffering=0) as writer:
            writer.write(bytes(32_000))
            capture.until_state("listening")
            absent.unlink()
        capture.until_state("backing_off")
    told = [record.message for record in caplog.records if "no audio" in record.message]
    assert len(told) == 2
    assert told[0].startswith("stream desk: no audio, tried again until there is some (")


def test_a_paused_stream_has_no_process_until_it_is_resumed(fifo: Pipe) -> None:
    with Capture(fifo) as capture:
        capture.until_state("waiting")
        pid = capture.supervisor.status.pid
        assert pid is not None
        capture.supervisor.pause(time.monotonic())
        assert capture.until_state("paused") < 0.5
        assert is_gone(pid)
        assert not capture.supervisor.running
        ended = capture.until_said(Ended)
        assert (ended.reason, ended.final) == ("stopped", False)
        capture.supervisor.resume(time.monotonic())
        capture.until_state("waiting")
        assert capture.supervisor.stream_id == "01234567-desk-2"


def test_a_resume_that_overtakes_its_pause_starts_anew(fifo: Pipe) -> None:
    with Capture(fifo) as capture:
        capture.until_state("waiting")
        capture.supervisor.pause(time.monotonic())
        capture.supervisor.resume(time.monotonic())
        capture.until(lambda: capture.supervisor.stream_id == "01234567-desk-2")
        capture.until_state("waiting")


def test_stop_takes_a_moment_and_a_process_that_ignores_it_is_killed(fifo: Pipe) -> None:
    with Capture(fifo) as capture:
        capture.until_state("waiting")
        pid = capture.supervisor.status.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        capture.supervisor.stop(time.monotonic())
        assert 0.4 < capture.until_state("stopped") < 1.0
        assert is_gone(pid)


def test_a_stranger_that_terminates_the_process_does_not_stop_the_stream(fifo: Pipe) -> None:
    with Capture(fifo) as capture:
        capture.until_state("waiting")
        assert capture.supervisor.status.pid is not None
        os.kill(capture.supervisor.status.pid, signal.SIGTERM)
        capture.until_state("backing_off")
        capture.until_state("waiting")


PARENT = """
import json, os, subprocess, sys
job = json.loads(sys.argv[1]) | {"parent_pid": os.getpid(), "pulse_fd": 1}
child = subprocess.Popen([sys.executable, "-m", "earwitnessd.capture", json.dumps(job)])
print(child.pid, flush=True)
child.wait()
"""


def test_a_process_dies_with_its_parent(fifo: Pipe, inbox: str) -> None:
    job = Job(stream="desk", stream_id="x", audio=inbox, source=fifo, parent_pid=0)
    command = [sys.executable, "-c", PARENT, msgspec.json.encode(job).decode()]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert parent.stdout.read(1) == b"w", "the child shows that it is up"
        watch = os.pidfd_open(pid)
    finally:
        parent.kill()
        parent.wait()
    poller = zmq.Poller()
    poller.register(watch, zmq.POLLIN)
    assert poller.poll(2_000), "the child outlives its parent"
    os.close(watch)
    parent.stdout.close()


def test_a_process_whose_parent_is_gone_already_does_not_start(fifo: Pipe) -> None:
    job = Job(stream="desk", stream_id="x", audio="/nowhere", source=fifo, parent_pid=1 << 22)
    command = [sys.executable, "-m", "earwitnessd.capture", msgspec.json.encode(job).decode()]
    assert subprocess.run(command, timeout=10.0, check=False).returncode == Exit.ORPHANED


def test_a_process_of_which_nobody_takes_anything_says_so_and_is_tried_again(fifo: Pipe) -> None:
    job = Job(stream="desk", stream_id="x", audio="/nowhere/audio", source=fifo, parent_pid=os.getpid())
    command = [sys.executable, "-m", "earwitnessd.capture", msgspec.json.encode(job).decode()]
    done = subprocess.run(command, timeout=10.0, check=False, capture_output=True, text=True)
    assert done.returncode == Exit.LOST
    assert done.stderr == "nobody takes audio at /nowhere/audio: No such file or directory\n"


def test_a_job_that_is_not_understood_says_how_to_use_the_program() -> None:
    for arguments in ([], ["{}"], ["--list-device"]):
        command = [sys.executable, "-m", "earwitnessd.capture", *arguments]
        done = subprocess.run(command, timeout=10.0, check=False, capture_output=True, text=True)
        assert done.returncode == Exit.USAGE
        assert done.stderr.startswith("usage:")
        assert "Traceback" not in done.stderr


def test_what_a_process_writes_to_stderr_is_logged(
    fifo: Pipe, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # A module that the child imports early and that shouts like PortAudio on a lost device.
    (tmp_path / "sitecustomize.py").write_text(
        "import os\nfor _ in range(3000): os.write(2, b'ALSA lib: gone\\n')\n"
    )
    with Capture(fifo, environment={**os.environ, "PYTHONPATH": str(tmp_path)}) as capture:
        capture.until_state("waiting")
        assert capture.supervisor.status.stderr_lines_dropped == 2990
    shouted = [record for record in caplog.records if "ALSA lib: gone" in record.message]
    assert len(shouted) == 10


def test_no_descriptor_is_left_behind(fifo: Pipe) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    capture = Capture(fifo)
    before = count()
    with capture:
        for _ in range(3):
            capture.supervisor.resume(time.monotonic())
            capture.until_state("waiting")
            capture.supervisor.pause(time.monotonic())
            capture.until_state("paused")
        assert capture.supervisor.filenos() == []
        capture.until(lambda: count() == before)  # libzmq closes a lost connection in its own time


def test_the_kind_of_exit_is_told_in_words() -> None:
    assert describe_exit(-9) == "the capture process was killed by SIGKILL"
    assert describe_exit(Exit.LOST) == "the capture process ended: lost"
    assert describe_exit(1) == "the capture process crashed with status 1"


def test_nothing_is_said_before_the_first_sample(fifo: Pipe) -> None:
    with Capture(fifo) as capture:
        capture.until_state("waiting")
        assert capture.of(Opened) == []


def test_a_stream_that_is_set_up_anew_does_not_use_its_ids_again(fifo: Pipe) -> None:
    with Capture(fifo) as capture:
        capture.until_state("waiting")
        openings = capture.supervisor.openings
    heir = CaptureSupervisor("desk", fifo, "ipc:///tmp/nowhere", BOOT, openings=openings)
    heir.start(time.monotonic())
    assert heir.stream_id == "01234567-desk-2"
    assert heir.status.restarts == 0
    heir.close()
