"""No more memory: the daemon dies, is started again, and has lost nothing that was promised."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import zmq

from earwitness.control import ControlError, EnrollAudio
from earwitness.events import SpeakerVerified, WindowScored
from tests.soaking.sampling import sample
from tests.voices import ANNA_HZ, sound_file, talking

from .patient import Patient, send
from .prices import Price

pytestmark = pytest.mark.slow

GROUPS = Path("/sys/fs/cgroup/memory")  # of version 1
ROOM_MB = 24
LONG_S = 580.0  # of a recording: 37 MB as it is heard, and several times that on the way


def why_no_groups() -> str:
    if os.getuid() != 0 or not (GROUPS / "memory.limit_in_bytes").exists():
        return "needs root and the memory controller of cgroup version 1"
    return ""


@pytest.fixture
def group() -> Iterator[Path]:
    made = GROUPS / f"earwitness-{os.getpid()}-{time.monotonic_ns()}"
    made.mkdir()
    yield made
    deadline = time.monotonic() + 5.0
    while (made / "cgroup.procs").read_text().strip() and time.monotonic() < deadline:
        os.sched_yield()
    with suppress(OSError):
        made.rmdir()


def test_a_request_that_needs_too_much_memory_is_refused_and_the_daemon_goes_on(
    tmp_path: Path, price: Price
) -> None:
    long = sound_file(talking(ANNA_HZ, LONG_S), kind="FLAC", subtype="PCM_16")
    with Patient(tmp_path) as daemon:
        daemon.enrol("anna")
        daemon.wait_for(SpeakerVerified)
        boot = daemon.control.status().boot
        pages = int(Path(f"/proc/{daemon.pid}/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + (ROOM_MB << 20) // 4
        resource.prlimit(daemon.pid, resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
        with pytest.raises(ControlError, match="memory"):
            daemon.control.enroll_audio("ben", long)
        daemon.wait_for(WindowScored, lambda event: bool(event.scores))
        assert daemon.control.status().boot == boot
        assert daemon.names() == ["anna"]
        resource.prlimit(daemon.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        began_s = time.monotonic()
        daemon.enrol("ben")
        back_s = time.monotonic() - began_s
        assert daemon.control.status().heartbeat.streams[0].lost_samples == 0
    price(
        "a recording for which there is no memory",
        lost="the enrolment, refused",
        back_s=back_s,
        so="refuses it, and goes on listening",
    )


@pytest.mark.skipif(bool(why_no_groups()), reason=why_no_groups())
def test_a_daemon_that_the_kernel_kills_for_its_memory_comes_back_with_everybody(
    tmp_path: Path, group: Path, price: Price
) -> None:
    with Patient(tmp_path) as daemon:
        daemon.enrol("anna")
        (group / "cgroup.procs").write_text(str(daemon.pid))
        limit_mb = sample(daemon.pid, 0.0).rss_mb + ROOM_MB
        (group / "memory.limit_in_bytes").write_text(str(int(limit_mb * 2**20)))
        long = sound_file(talking(ANNA_HZ, LONG_S), kind="FLAC", subtype="PCM_16")
        (group / "memory.swappiness").write_text("0")
        began_s = time.monotonic()
        with zmq.Context() as context, context.socket(zmq.DEALER) as client:
            client.linger = 0
            client.connect(daemon.control_endpoint)
            send(client, EnrollAudio(name="ben"), long)
            assert daemon.process.wait(30) == -9
        back_s = daemon.restart()
        assert daemon.names() == ["anna"]
        daemon.wait_for(SpeakerVerified)
        lost_s = time.monotonic() - began_s
    price(
        "the memory limit of its control group",
        lost=f"{lost_s:.1f} s until the next verdict",
        back_s=back_s,
        so="is killed by the kernel and started again by its service manager; profiles are whole",
    )
