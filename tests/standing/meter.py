"""How long the machine stood still, waited for its disk and was taken away since a moment."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

WATCH = Path(__file__).with_name("watch.py")


class Moment(NamedTuple):
    """What the machine's clocks and counters say: seconds, of which only differences mean something."""

    clock_s: float
    disk_s: float
    stolen_s: float


class Hindrance(NamedTuple):
    """What kept the machine from running."""

    still_s: float
    # nothing at all ran: our watch was late by so much
    disk_s: float
    # everything that could have run waited for a disk
    stolen_s: float
    # of all its cores; the host ran something else

    def __str__(self) -> str:
        """For whom reads of a failure."""
        return (
            f"stood still for {self.still_s:.1f} s, waited for a disk for {self.disk_s:.1f} s, "
            f"lost {self.stolen_s:.1f} s to other machines"
        )


class Meter:
    """Asks a watching process of its own, and the kernel."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="earwitness-standing-")
        self._late = Path(self._folder.name) / "late"
        self._late.touch()
        self.watch = subprocess.Popen([sys.executable, "-I", "-S", WATCH, self._late, str(os.getpid())])

    def wait(self) -> None:
        """Return when it watches."""
        while not self._late.with_suffix(".tick").exists():
            time.sleep(0.01)

    def close(self) -> None:
        """End the watch."""
        self.watch.kill()
        self.watch.wait()
        self._folder.cleanup()

    def now(self) -> Moment:
        """From where to count."""
        return Moment(time.monotonic(), _disk_s(), _stolen_s())

    def since(self, began: Moment) -> Hindrance:
        """Delays count by when they ended."""
        now = self.now()
        delays = [line.split() for line in self._late.read_text().splitlines()]
        length_s = now.clock_s - began.clock_s
        return Hindrance(
            sum(min(float(late), length_s) for end, late in delays if float(end) > began.clock_s),
            now.disk_s - began.disk_s,
            now.stolen_s - began.stolen_s,
        )


def _disk_s() -> float:
    """Of the kernel's pressure counters; not every kernel has them."""
    try:
        lines = Path("/proc/pressure/io").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0.0
    return next((int(line.rpartition("total=")[2]) / 1e6 for line in lines if line.startswith("full")), 0.0)


def _stolen_s() -> float:
    try:
        fields = Path("/proc/stat").read_text(encoding="utf-8").split(maxsplit=9)
        return int(fields[8]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return 0.0
