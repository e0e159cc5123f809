"""A daemon of our own: in a process of its own, on temporary sockets, gone when we are."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from earwitness.control import Control
from earwitness.events import AnyEvent, DaemonStarted
from earwitness.subscription import Subscription, subscribe
from earwitnessd.capture.lifeline import PR_SET_PDEATHSIG
from earwitnessd.settings.load import dump
from earwitnessd.settings.root import Settings, Sockets

RUN = ("earwitnessd", "run")  # a module and its arguments
START_WITHIN_S = 90.0
STOP_WITHIN_S = 5.0
LOOK_AGAIN_S = 0.5


class PrivateDaemonError(Exception):
    """The daemon did not start, or did not go on: says why."""


@dataclass(frozen=True, slots=True)
class PrivateDaemon:
    """It runs, its model is loaded, and `listener` hears everything it says from now on."""

    events: str
    control: Control
    listener: Subscription[AnyEvent]
    process: subprocess.Popen[bytes]
    log: Path

    def last_words(self) -> str:
        """The last line that it logged."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1].removeprefix("earwitnessd: ") if lines else "it said nothing"


@contextmanager
def private_daemon(
    make_settings: Callable[[Path], Settings], command: Sequence[str] = RUN
) -> Iterator[PrivateDaemon]:
    """Start one on what `make_settings` says; it gets a folder of its own for the daemon's files."""
    with tempfile.TemporaryDirectory(prefix="earwitness-") as directory:
        folder = Path(directory)
        sockets = Sockets(events=f"ipc://{folder}/events", control=f"ipc://{folder}/control")
        config = folder / "settings.yaml"
        settings = msgspec.structs.replace(make_settings(folder), sockets=sockets)
        config.write_text(dump(settings), encoding="utf-8")
        log = folder / "log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", *command, "--config", str(config)],
                stdin=subprocess.DEVNULL,
                stderr=stderr,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # as `earwitnessd run` has it
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - no thread runs here yet
            )
        try:
            with (
                Control(sockets.control, timeout_s=START_WITHIN_S) as control,
                subscribe(sockets.events, notices=False) as listener,
            ):
                daemon = PrivateDaemon(sockets.events, control, listener, process, log)
                _await_start(daemon)
                yield daemon
        finally:
            _end(process)


def _await_start(daemon: PrivateDaemon) -> None:
    """Until our subscriber has heard it: what is published from then on cannot be missed."""
    deadline = time.monotonic() + START_WITHIN_S
    while not isinstance(daemon.listener.receive(LOOK_AGAIN_S), DaemonStarted):
        if daemon.process.poll() is not None or time.monotonic() > deadline:
            raise PrivateDaemonError(f"the daemon did not start: {daemon.last_words()}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_with_parent() -> None:
    """Be told to stop when the process that started us is gone, whatever ended it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
