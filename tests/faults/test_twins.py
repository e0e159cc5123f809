"""Several daemons on the same sockets: one runs, the others say why not; its place is free when it dies."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from .patient import ROOT, Patient
from .prices import Price

TWINS = 6


@pytest.mark.slow
def test_of_many_that_start_at_once_one_runs_and_its_place_is_free_when_it_dies(
    tmp_path: Path, price: Price
) -> None:
    with Patient(tmp_path) as daemon:
        daemon.enrol("anna")
        first = daemon.control.status().boot
        command = [sys.executable, "-m", "tests.faults.program", str(tmp_path), str(daemon.config)]
        twins = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(TWINS)]
        said = [twin.communicate(timeout=60)[1] for twin in twins]
        assert [twin.returncode for twin in twins] == [3] * TWINS, said
        assert all("in use by another earwitnessd" in each and "Traceback" not in each for each in said)
        assert daemon.control.status().boot == first
        daemon.stop(9)
        began_s = time.monotonic()
        daemon.restart()
        back_s = time.monotonic() - began_s
        assert daemon.names() == ["anna"]
    price(
        f"{TWINS} more daemons on the same sockets",
        lost="nothing",
        back_s=None,
        so=f"each says who is there and ends; after kill -9 the next has the sockets in {back_s:.1f} s",
    )
