"""Freezes a process so hard that not even SIGKILL ends it, as a driver in trouble does."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import TracebackType

ROOT = Path("/sys/fs/cgroup/freezer")  # of version 1: there, a frozen process takes no signal


def why_not() -> str:
    """What is missing here, for `pytest.mark.skipif`."""
    if os.getuid() != 0:
        return "needs root"
    if not (ROOT / "tasks").exists() or not os.access(ROOT, os.W_OK):
        return "needs the freezer of cgroup version 1"
    return ""


class Freezer:
    """A control group of its own; thawed and removed at the end."""

    def __init__(self) -> None:
        self._group = ROOT / f"earwitness-{os.getpid()}-{time.monotonic_ns()}"
        self._group.mkdir()

    def __enter__(self) -> Freezer:
        return self

    def freeze(self, pid: int) -> None:
        """Returns when it stands still."""
        (self._group / "cgroup.procs").write_text(str(pid), encoding="ascii")
        (self._group / "freezer.state").write_text("FROZEN", encoding="ascii")
        deadline = time.monotonic() + 5.0
        while (self._group / "freezer.state").read_text(encoding="ascii").strip() != "FROZEN":
            assert time.monotonic() < deadline, "it does not freeze"

    def thaw(self) -> None:
        """It goes on, or dies of what it was sent meanwhile."""
        (self._group / "freezer.state").write_text("THAWED", encoding="ascii")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.thaw()
        deadline = time.monotonic() + 5.0
        while (self._group / "cgroup.procs").read_text(encoding="ascii").strip():
            if time.monotonic() > deadline:
                return
            os.sched_yield()
        self._group.rmdir()
