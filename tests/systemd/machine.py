"""A throw-away machine: a real systemd in namespaces of its own, over an overlay of this one's root."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from earwitnessd.install.allowances import EMPTIED

BOOT = Path(__file__).with_name("boot.sh")
BOOTS_WITHIN_S = 60.0
LOOK_AGAIN_S = 0.1
NAMESPACES = ("--mount", "--pid", "--uts", "--ipc", "--cgroup", "--net")
NEEDED = ("unshare", "nsenter", "pivot_root", "systemctl", "systemd-sysusers", "journalctl")


def missing() -> str:
    """Why no such machine can be had here; empty if it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root on Linux"
    if absent := [tool for tool in NEEDED if shutil.which(tool) is None]:
        return f"needs {', '.join(absent)}"
    if not Path("/lib/systemd/systemd").exists():
        return "needs systemd"
    here = Path(sys.prefix)
    if any(here.is_relative_to(place) for place in EMPTIED):
        return f"needs a checkout that a service can be installed from, not one in {here.parents[-2]}"
    if here.stat().st_dev != Path("/").stat().st_dev:
        return f"needs {here} on the file system of /, which is all that the machine sees"
    if _cgroups() is None:
        return "needs cgroup v2 that can be written"
    tried = subprocess.run(
        ["unshare", *NAMESPACES, "--fork", "true"], capture_output=True, text=True, check=False
    )
    return f"needs namespaces: {tried.stderr.strip()}" if tried.returncode else ""


def _cgroups() -> Path | None:
    for folder in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")):
        if (folder / "cgroup.procs").exists() and os.access(folder, os.W_OK):
            return folder
    return None


class Machine:
    """Boots on entering, is gone with all its processes and files on leaving."""

    def __enter__(self) -> Machine:
        cgroups = _cgroups()
        assert cgroups is not None
        self._work = Path(tempfile.mkdtemp(prefix="ew-machine-"))
        self._cgroup = cgroups / f"earwitness-{self._work.name}"
        self._cgroup.mkdir()
        self._console = (self._work.parent / f"{self._work.name}.log").open("w+b")
        self._unshare = subprocess.Popen(
            ["unshare", *NAMESPACES, "--fork", "--kill-child", "--propagation", "private", BOOT, self._work],
            stdin=subprocess.DEVNULL,
            stdout=self._console,
            stderr=self._console,
            preexec_fn=self._join_cgroup,  # noqa: PLW1509 - no thread runs here yet
            start_new_session=True,
        )
        try:
            self._await_boot()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            print(self.journal_text())
        self.close()

    def close(self) -> None:
        """PID 1 goes, and with it all others of its namespace."""
        self._unshare.kill()  # its child goes along
        self._unshare.wait(20)
        wait_until(self._emptied, 20.0, "the machine's processes are still there")
        for folder in sorted(self._cgroup.rglob("*"), reverse=True):
            if folder.is_dir():
                folder.rmdir()
        self._cgroup.rmdir()
        self._console.close()
        Path(self._console.name).unlink()
        self._work.rmdir()

    @property
    def pid(self) -> int:
        """Of its PID 1, as we see it."""
        children = Path(f"/proc/{self._unshare.pid}/task/{self._unshare.pid}/children").read_text().split()
        return int(children[0])

    def holds(self, pid: int) -> bool:
        """Whether a process, as we see it, runs in there."""
        try:
            return Path(f"/proc/{pid}/ns/pid").samefile(f"/proc/{self.pid}/ns/pid")
        except OSError:
            return False

    def main_pid(self, unit: str) -> int:
        """As we see it: the kernel tells it under the name that each namespace has for it."""
        inside = self.show(unit)["MainPID"]
        for process in Path("/proc").glob("[0-9]*"):
            names = _names(process)
            if len(names) > 1 and names[-1] == inside and self.holds(int(process.name)):
                return int(process.name)
        raise AssertionError(f"process {inside} is not there")

    def path(self, inside: str) -> Path:
        """One of its files, as we reach it."""
        return Path(f"/proc/{self.pid}/root") / inside.lstrip("/")

    def run(
        self, *command: str | Path, user: str | None = None, within_s: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in there; as root, or as one of its users."""
        enter = ["nsenter", "-t", str(self.pid), "-m", "-p", "-u", "-i", "-n", "-C", "-r", "-w", "--"]
        clean = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"]
        become = ["runuser", "-u", user, "--"] if user else []
        whole = [*enter, *clean, *become, *map(str, command)]
        return subprocess.run(whole, capture_output=True, text=True, timeout=within_s, check=False)

    def does(self, *command: str | Path, within_s: float = 60.0) -> str:
        """Run what must succeed; its output."""
        done = self.run(*command, within_s=within_s)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}{self.journal_text()[-3000:]}"
        return done.stdout

    def show(self, unit: str) -> dict[str, str]:
        """What systemd knows of a unit."""
        lines = self.does("systemctl", "show", unit).splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def await_unit(
        self, unit: str, accept: Callable[[Mapping[str, str]], bool], within_s: float
    ) -> dict[str, str]:
        """Until what systemd says of the unit is right."""
        shown: dict[str, str] = {}

        def look() -> bool:
            shown.update(self.show(unit))
            return accept(shown)

        keys = ("ActiveState", "SubState", "Result", "NRestarts", "StatusText")
        wait_until(look, within_s, lambda: str({key: shown.get(key) for key in keys}))
        return shown

    def journal(self, *matches: str) -> list[dict[str, Any]]:
        """Entries, oldest first."""
        text = self.does("journalctl", "-o", "json", "--all", "--no-pager", *matches)
        return [json.loads(line) for line in text.splitlines()]

    def journal_text(self) -> str:
        """For people."""
        return self.run("journalctl", "--no-pager", "-n", "150").stdout

    def _join_cgroup(self) -> None:
        (self._cgroup / "cgroup.procs").write_text(str(os.getpid()))

    def _await_boot(self) -> None:
        def booted() -> bool:
            if self._unshare.poll() is not None:
                raise AssertionError(f"it did not boot: {self._said()}")
            try:
                state = self.run("systemctl", "is-system-running").stdout.strip()
            except (OSError, IndexError):
                return False
            return state in {"running", "degraded"}

        wait_until(booted, BOOTS_WITHIN_S, self._said)

    def _said(self) -> str:
        return Path(self._console.name).read_text(encoding="utf-8", errors="replace")[-2000:]

    def _emptied(self) -> bool:
        return "populated 0" in (self._cgroup / "cgroup.events").read_text()


def _names(process: Path) -> list[str]:
    try:
        lines = (process / "status").read_text().splitlines()
    except OSError:
        return []
    return next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])


def wait_until(what: Callable[[], bool], within_s: float, told: str | Callable[[], str]) -> None:
    """Until it is so: of what happens in there, nothing wakes us."""
    deadline = time.monotonic() + within_s
    while not what():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s: {told if isinstance(told, str) else told()}")
        select.select([], [], [], LOOK_AGAIN_S)
