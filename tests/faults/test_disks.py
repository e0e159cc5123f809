"""A disk that takes nothing more: enrolling is refused with what to do, and everything else goes on."""

from __future__ import annotations

import re
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from earwitness.control import ControlError
from earwitness.events import SpeakerVerified, WindowScored

from ..small_disk import SmallDisk, mounted, why_not
from .patient import Patient
from .prices import Price

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with mounted(tmp_path) as made:
        yield made


@pytest.mark.slow
def test_a_full_disk_refuses_enrolments_and_stops_nothing_else(
    tmp_path: Path, disk: SmallDisk, price: Price
) -> None:
    with Patient(tmp_path, profiles=disk.folder / "profiles.db") as daemon:
        daemon.enrol("anna")
        disk.fill()
        promised = enrol_until_refused(daemon)
        assert {"anna", *promised} == set(daemon.names())
        daemon.wait_for(WindowScored, lambda event: bool(event.scores))
        daemon.wait_for(SpeakerVerified, lambda event: event.speaker == "anna" or event.speaker in promised)
        disk.empty()
        began_s = time.monotonic()
        daemon.enrol("ben")
        back_s = time.monotonic() - began_s
        daemon.stop(9)
        daemon.restart()
        assert set(daemon.names()) == {"anna", "ben", *promised}
    price(
        "full while enrolling",
        lost="the enrolment, refused with what to do",
        back_s=back_s,
        so="goes on listening; enrols again as soon as there is room, without a restart",
    )


def enrol_until_refused(daemon: Patient) -> list[str]:
    """What was answered with success must be there; the rest was told to be refused."""
    promised: list[str] = []
    for number in range(200):
        name = f"guest{number}"
        try:
            daemon.enrol(name)
        except ControlError as refusal:
            why = refusal.message
            break
        promised.append(name)
    else:
        raise AssertionError("a full disk took 200 enrolments")
    assert re.search("full|disk", why), why
    return promised


@pytest.mark.slow
def test_a_disk_that_is_read_only_is_said_and_costs_nothing(
    tmp_path: Path, disk: SmallDisk, price: Price
) -> None:
    with Patient(tmp_path, profiles=disk.folder / "profiles.db") as daemon:
        daemon.enrol("anna")
        daemon.stop()
        disk.make_read_only()
        daemon.launch()
        assert daemon.process.wait(30) == 3
        assert re.search(
            r"^earwitnessd: profiles .*(read-only|Read-only|readonly|Permission denied)",
            daemon.log,
            re.MULTILINE,
        )
        disk.make_writable()
        back_s = daemon.restart()
        assert daemon.names() == ["anna"]
    price(
        "read-only at the start",
        lost="nothing",
        back_s=back_s,
        so="does not start, and says why in one line: templates that cannot be deleted are not used",
    )


@pytest.mark.slow
def test_a_disk_that_becomes_read_only_refuses_enrolments_and_deletions(
    tmp_path: Path, disk: SmallDisk, price: Price
) -> None:
    with Patient(tmp_path, profiles=disk.folder / "profiles.db") as daemon:
        daemon.enrol("anna")
        forbid_writing(daemon.pid)
        for ask in (lambda: daemon.enrol("ben"), lambda: daemon.control.delete_profile("anna")):
            with pytest.raises(ControlError, match=r"disk|profiles"):
                ask()
        assert daemon.names() == ["anna"]
        daemon.wait_for(SpeakerVerified, lambda event: event.speaker == "anna")
        daemon.stop(9)
        back_s = daemon.restart()
        assert daemon.names() == ["anna"]
        daemon.enrol("ben")
    price(
        "no writing while enrolling and deleting",
        lost="the request, refused with what to do",
        back_s=back_s,
        so="goes on listening and verifying",
    )


def forbid_writing(pid: int) -> None:
    """No file of this process may grow past a byte: each write fails, as on a disk remounted read-only."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, 1))
