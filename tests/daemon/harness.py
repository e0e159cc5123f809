"""A real daemon in a process of its own, with its sockets, its database and one subscriber."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import yaml

from earwitness.control import Control
from earwitness.events import AnyEvent, DaemonStarted, Event, Heartbeat
from earwitness.notices import Notice
from earwitness.subscription import Subscription, subscribe

E = TypeVar("E", bound=Event)

STARTS_WITHIN_S = 60.0


class Daemon:
    """Start, listen, stop. `settings` is the file's content but for sockets and profiles."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Any],
        *,
        environment: Mapping[str, str] | None = None,
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        self.folder = folder
        self._sockets = tempfile.mkdtemp(prefix="ew-")  # a path short enough for ipc
        self.events_endpoint = f"ipc://{self._sockets}/events"
        self.control_endpoint = f"ipc://{self._sockets}/control"
        self.config = folder / "daemon.yaml"
        self.environment = {**os.environ, **(environment or {})}
        self.log_file = folder / "daemon.log"
        self._stdin = stdin
        self.write(settings)

    def write(self, settings: Mapping[str, Any]) -> None:
        """Replace the settings file."""
        fixed = {
            "sockets": {"events": self.events_endpoint, "control": self.control_endpoint},
            "profiles": str(self.folder / "profiles.db"),
            "engine": {"amx": False},  # nothing is timed at its start
        }
        self.config.write_text(yaml.safe_dump({**fixed, **settings}), encoding="utf-8")

    def __enter__(self) -> Daemon:
        self.subscription: Subscription[AnyEvent | Notice] = subscribe(self.events_endpoint)
        self.control = Control(self.control_endpoint, timeout_s=20.0)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.stop()
        self.subscription.close()
        self.control.close()
        if kind is not None:
            print(self.log)
        self.discard()

    def discard(self) -> None:
        """Remove what was not in the test's own folder."""
        shutil.rmtree(self._sockets, ignore_errors=True)

    @property
    def log(self) -> str:
        """What it wrote to standard error."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    @property
    def pid(self) -> int:
        """Of the main process."""
        return self.process.pid

    def start(self) -> None:
        """Returns when it is ready."""
        self.launch()
        self.wait_for(DaemonStarted, lambda event: event.pid == self.pid, within_s=STARTS_WITHIN_S)

    def launch(self) -> None:
        """Start the process and return at once."""
        command = [sys.executable, "-m", "earwitnessd", "run", "--config", str(self.config)]
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=self._stdin, stderr=log, env=self.environment, start_new_session=True
            )

    def stop(self, number: int = signal.SIGTERM, within_s: float = 10.0) -> int:
        """Send a signal; the exit status."""
        self.process.send_signal(number)
        return self.process.wait(within_s)

    def wait_for(
        self, kind: type[E], accept: Callable[[E], bool] = lambda _: True, within_s: float = 20.0
    ) -> E:
        """The next event of this kind that `accept`s."""
        deadline = time.monotonic() + within_s
        seen: list[object] = []
        while (left_s := deadline - time.monotonic()) > 0:
            item = self.subscription.receive(min(left_s, 1.0))
            if isinstance(item, kind) and accept(item):
                return item
            if item is not None:
                seen.append(item)
            elif self.process.poll() is not None:
                break
        told = "\n".join(str(item)[:300] for item in seen[-12:])
        raise AssertionError(
            f"no {kind.__name__} within {within_s} s; the last that came:\n{told}\n{self.log}"
        )

    def collect_until(
        self, kind: type[E], accept: Callable[[E], bool] = lambda _: True, within_s: float = 30.0
    ) -> list[Event]:
        """All events up to and with the next of this kind that `accept`s."""
        deadline = time.monotonic() + within_s
        events: list[Event] = []
        while (left_s := deadline - time.monotonic()) > 0:
            item = self.subscription.receive(left_s)
            if isinstance(item, Event):
                events.append(item)
            if isinstance(item, kind) and accept(item):
                return events
        raise AssertionError(f"no {kind.__name__} within {within_s} s\n{self.log}")

    def heartbeat(
        self, accept: Callable[[Heartbeat], bool] = lambda _: True, within_s: float = 20.0
    ) -> Heartbeat:
        """The next heartbeat that `accept`s."""
        return self.wait_for(Heartbeat, accept, within_s)

    def children(self) -> Sequence[int]:
        """Processes started by this one."""
        return children_of(self.pid)


def children_of(pid: int) -> list[int]:
    """Direct children, by the kernel's word."""
    tasks = Path(f"/proc/{pid}/task")
    found: list[int] = []
    for task in tasks.iterdir() if tasks.exists() else ():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def gone(pid: int, within_s: float) -> bool:
    """Whether a process has ended, waiting for it; it need not be our child."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], within_s)[0])
    finally:
        os.close(fd)
