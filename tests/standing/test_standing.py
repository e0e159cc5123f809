"""The watch over the machine, and what becomes of tests that fail while it stands still."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .meter import Meter

ROOT = Path(__file__).parents[2]
STANDS_STILL = """
import os, pathlib, signal, time
import pytest
from tests.standing.plugin import METER

@pytest.fixture(scope="module")
def shared():
    return []

@pytest.mark.parametrize("still_s", [{still_s}])
def test_it(pytestconfig, shared, still_s):
    meter = pytestconfig.stash[METER]
    meter.wait()
    watch = meter.watch.pid
    os.kill(watch, signal.SIGSTOP)
    time.sleep(still_s)
    os.kill(watch, signal.SIGCONT)
    time.sleep(0.2)
    runs = pathlib.Path(__file__).with_name("runs")
    runs.touch()
    with runs.open("a") as file:
        file.write(".")
    shared.append(1)
    assert shared == [1]
    assert runs.stat().st_size > {failures}, "this run shall fail"

def test_another(shared):
    pass
"""


@pytest.fixture
def meter() -> Iterator[Meter]:
    made = Meter()
    made.wait()
    yield made
    made.close()


def test_a_machine_that_runs_does_not_stand_still(meter: Meter) -> None:
    began = meter.now()
    time.sleep(0.5)
    assert meter.since(began).still_s < 0.3


def test_what_stood_still_before_does_not_count(meter: Meter) -> None:
    began = meter.now()
    _stop(meter, 0.6)
    assert 0.5 <= meter.since(began).still_s < 5.0
    assert meter.since(meter.now()).still_s == 0.0


def test_the_watch_ends_with_the_one_who_asks() -> None:
    tell = "from tests.standing.meter import Meter; print(Meter().watch.pid, flush=True)"
    told = subprocess.run([sys.executable, "-c", tell], cwd=ROOT, capture_output=True, text=True, check=True)
    watch = Path("/proc", told.stdout.strip())
    end = time.monotonic() + 10.0
    while watch.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert not watch.exists()


def test_what_fails_while_the_machine_stands_still_is_run_again(tmp_path: Path) -> None:
    status, told, runs = _tests(tmp_path, still_s=0.8, failures=1)
    assert (status, runs) == (0, 2)
    assert "test_it[0.8] failed while the machine stood still for 0." in told
    assert "then it passed" in told


def test_what_fails_twice_has_failed(tmp_path: Path) -> None:
    status, told, runs = _tests(tmp_path, still_s=0.8, failures=9)
    assert (status, runs) == (1, 2)
    assert "then it failed" in told


def test_what_fails_on_a_machine_that_runs_has_failed(tmp_path: Path) -> None:
    status, told, runs = _tests(tmp_path, still_s=0.0, failures=1)
    assert (status, runs) == (1, 1)
    assert "meanwhile, the machine" in told
    assert "stood still for 0.0 s" in told


def _stop(meter: Meter, still_s: float) -> None:
    os.kill(meter.watch.pid, signal.SIGSTOP)
    time.sleep(still_s)
    os.kill(meter.watch.pid, signal.SIGCONT)
    time.sleep(0.2)


def _tests(folder: Path, *, still_s: float, failures: int) -> tuple[int, str, int]:
    """Exit status, output and number of runs of a test that fails so often."""
    file = folder / "test_it.py"
    file.write_text(STANDS_STILL.format(still_s=still_s, failures=failures))
    command = [sys.executable, "-m", "pytest", "-p", "tests.standing.plugin", "-c", os.devnull]
    ended = subprocess.run(
        [*command, "--rootdir", folder, file],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return ended.returncode, ended.stdout, (folder / "runs").stat().st_size
