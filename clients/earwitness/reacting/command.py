"""One run of a command: its own process group, the event on stdin and in the environment, a time limit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile

import msgspec

from ..events import encode
from .settling import Change

GRACE_S = 2.0  # between asking the group to end and killing it

ALWAYS = ("SPEAKER", "PREVIOUS", "SCORE", "GROUP")  # set, if only to nothing: scripts run with `set -u`


def environment(change: Change) -> dict[str, str]:
    """EARWITNESS_ and the name of each simple field of the event, in capitals."""
    values = dict.fromkeys(ALWAYS, "")
    if change.before is not None and change.before.speaker is not None:
        values["PREVIOUS"] = change.before.speaker
    for name, value in msgspec.to_builtins(change.verdict.event).items():
        if value is not None and not isinstance(value, list | dict):
            values[name.upper()] = str(value).lower() if isinstance(value, bool) else str(value)
    values["PASSED_OVER"] = str(change.passed_over)
    return {f"EARWITNESS_{name}": value.replace("\0", "") for name, value in values.items()}


class Run:
    """Owned by the thread that started it. `look` moves it on; nothing here waits but `end`."""

    def __init__(self, command: list[str], change: Change, now: float, timeout_s: float | None) -> None:
        self.change = change
        self.began = now
        self.timed_out = False
        self._ask_at = None if timeout_s is None else now + timeout_s
        self._kill_at: float | None = None
        # A file, not a pipe: a command that does not read must not hold us up.
        with tempfile.TemporaryFile() as event:
            event.write(encode(change.verdict.event) + b"\n")
            event.seek(0)
            self._process = subprocess.Popen(
                command, stdin=event, env=os.environ | environment(change), start_new_session=True
            )

    @property
    def deadline(self) -> float | None:
        """When `look` will have something to do even if nothing ends."""
        return self._ask_at if self._kill_at is None else self._kill_at

    def look(self, now: float) -> int | None:
        """The exit status if it is over; ask or kill the group when its time is up."""
        if (status := self._process.poll()) is not None:
            if self._kill_at is not None:
                # Who was told to end takes its group along; the number is not given away while one is left.
                self._signal(signal.SIGKILL)
            return status
        if self._kill_at is None and self._ask_at is not None and now >= self._ask_at:
            self.timed_out = True
            self._signal(signal.SIGTERM)
            self._kill_at = now + GRACE_S
        elif self._kill_at is not None and now >= self._kill_at:
            self._signal(signal.SIGKILL)
            self._kill_at = now + GRACE_S
        return None

    def end(self) -> int:
        """Ask the whole group to end, then make it."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
        self._signal(signal.SIGKILL)
        return self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
