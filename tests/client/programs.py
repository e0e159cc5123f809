"""The command `earwitness` as a process that a test talks to."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from earwitness.cli.app import app
from earwitness.cli.connection import clear_errors

EARWITNESS = [sys.executable, "-c", "from earwitness.cli import main; main()"]
TIMEOUT_S = 30.0


def earwitness(directory: Path, *arguments: str) -> list[str]:
    """Its command line, for the daemon whose sockets are in the directory."""
    sockets = ["--events", f"ipc://{directory}/events", "--control", f"ipc://{directory}/control"]
    return [*EARWITNESS, *sockets, *arguments]


def finished(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        earwitness(directory, *arguments), capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit status and stderr of a command that never gets to work; in this process, for that is quicker."""
    with pytest.raises(SystemExit) as left, clear_errors():
        app(list(arguments))
    assert isinstance(left.value.code, int)
    return left.value.code, capsys.readouterr().err


class Program:
    """A running one; killed at the end if the test did not end it."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            earwitness(directory, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait(TIMEOUT_S)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()

    def line(self) -> str:
        """The next line on stdout."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def says(self, text: str) -> str:
        """Read stderr up to the line that holds this text."""
        assert self.process.stderr is not None
        heard = []
        for line in self.process.stderr:
            heard.append(line)
            if text in line:
                return line
        raise AssertionError(f"never said {text!r}, but: {''.join(heard)}")

    def ended(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Its exit status after a signal."""
        self.process.send_signal(number)
        return self.process.wait(TIMEOUT_S)


def eventually(condition: Callable[[], bool]) -> None:
    """For what tells nobody when it changes: look again, or fail."""
    end = time.monotonic() + TIMEOUT_S
    never = threading.Event()
    while not condition():
        assert time.monotonic() < end, "it never came about"
        never.wait(0.02)
