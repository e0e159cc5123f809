"""Starts, stops and measures a broadcaster; knows from its ledgers what was published."""

from __future__ import annotations

import json
import signal
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import msgspec

from earwitness.control import Control
from earwitness.endpoints import Keys
from earwitnessd.settings.root import Sockets

ROOT = Path(__file__).parents[2]


class Station:
    """One folder, one broadcaster at a time."""

    def __init__(
        self, *, per_second: float = 200.0, most: int = 0, settings: Sockets | None = None, folder: str = ""
    ) -> None:
        self.folder = Path(folder or tempfile.mkdtemp(prefix="ew-"))  # a path short enough for ipc
        self.events = f"ipc://{self.folder}/events"
        self.control = f"ipc://{self.folder}/control"
        self.log = self.folder / "log"
        self._arguments = [
            str(self.folder),
            str(per_second),
            str(most),
            msgspec.json.encode(settings or Sockets()).decode(),
        ]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        if self.process.stdout:
            self.process.stdout.close()
        if kind is not None:
            print(self.log.read_text()[-3000:])

    def start(self) -> None:
        """Returns when its sockets are bound."""
        command = [sys.executable, "-m", "tests.delivery.broadcaster", *self._arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, cwd=ROOT)
        assert self.process.stdout is not None
        self.events, self.control = (self.process.stdout.readline().decode().strip() for _ in range(2))
        assert self.events, self.log.read_text()

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Returns when it is gone."""
        self.process.send_signal(number)
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def published(self, boot: str) -> int:
        """How many events that boot published."""
        (number,) = struct.unpack("=q", (self.folder / boot).read_bytes())
        return cast("int", number)

    def figures(self, keys: Keys | None = None) -> dict[str, int]:
        """The counters of its doors."""
        with Control(self.control, timeout_s=20.0, keys=keys) as control:
            return cast("dict[str, int]", json.loads(control.pause("desk").message))

    def memory_mb(self) -> float:
        """Its resident memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * 4096 / 2**20
