"""The dashboard in a real terminal."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .fake_daemon import FakeDaemon

TIMEOUT_S = 30.0

pytestmark = pytest.mark.skipif(
    shutil.which("tmux") is None, reason="tmux is not installed: apt install tmux"
)


class Terminal:
    """One tmux server of our own with one program in it."""

    def __init__(self, directory: Path, program: str, width: int, height: int) -> None:
        self._socket = str(directory / "tmux")
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", f"{width}", "-y", f"{height}", program)
        self.tmux("set", "-g", "remain-on-exit", "on")

    def tmux(self, *arguments: str) -> str:
        run = subprocess.run(
            ["tmux", "-S", self._socket, *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=TIMEOUT_S,
        )
        return run.stdout

    def screen(self) -> list[str]:
        return self.tmux("capture-pane", "-p").splitlines()

    def wait_for(self, condition: Callable[[list[str]], bool]) -> list[str]:
        """tmux does not tell when the screen changes: look again, or fail with what it shows."""
        end = time.monotonic() + TIMEOUT_S
        never = threading.Event()
        while time.monotonic() < end:
            if condition(shown := self.screen()):
                return shown
            never.wait(0.1)
        raise AssertionError("\n".join(self.screen()))


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    program = (
        # readline, which pytest imports, exports COLUMNS and LINES, and rich believes them
        f"env -u COLUMNS -u LINES LANG=C.UTF-8 {sys.executable} -c 'from earwitness.cli import main; main()' "
        f"--events ipc://{tmp_path}/events watch; echo left with $?; cat"
    )
    made = Terminal(tmp_path, program, 80, 24)
    yield made
    made.tmux("kill-server")


def test_watch_shows_waits_resizes_and_quits(terminal: Terminal, tmp_path: Path) -> None:
    terminal.wait_for(lambda shown: any("waiting for earwitnessd" in line for line in shown))
    daemon = FakeDaemon(tmp_path)
    thread = threading.Thread(target=daemon.run, args=(12,), kwargs={"fast": True})
    thread.start()
    try:
        shown = terminal.wait_for(lambda shown: any("anna  verified" in line for line in shown))
        assert "earwitness" in shown[0]
        assert "live" in shown[0]
        assert "evidence, not a login" in shown[-1]
        terminal.tmux("resize-window", "-x", "120", "-y", "35")
        terminal.wait_for(lambda shown: len(shown) == 35 and "evidence, not a login" in shown[-1])
    finally:
        daemon.stopping.set()
        thread.join(TIMEOUT_S)
    terminal.wait_for(lambda shown: "trying again" in shown[0])
    terminal.tmux("send-keys", "q")
    terminal.wait_for(lambda shown: any("left with 0" in line for line in shown))
