"""Keeps embeddings being served: Ray ends the process that is connected to it when its head dies."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence

from earwitnessd.capture.lifeline import die_with_parent
from earwitnessd.service.notify import ServiceManager

log = logging.getLogger(__name__)

CHILD = "EARWITNESS_SERVING_TELLS"
# set for the process that serves: the number of the pipe by which it tells that it does
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
ENDED_WITHIN_S = 30.0


def supervise(arguments: Sequence[str]) -> int:
    """Run this same command in a process of its own, again and again once it has served; the exit status.

    What fails before it has ever served fails at once: then it is the command that is wrong.
    """
    return _Supervisor(arguments).run()


class _Supervisor:
    """Owned by the main thread, which waits for the child or a signal."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._command = [sys.executable, "-m", "earwitnessd", *arguments]
        self._child: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._served = False
        self._manager = ServiceManager()
        self._waiting = {signal.SIGTERM, signal.SIGINT}

    def run(self) -> int:
        for number in self._waiting:
            signal.signal(number, self._on_signal)
        pause_s = FIRST_PAUSE_S
        while True:
            status, served = self._once()
            if self._stopped or status == 0:
                return max(0, status)
            if not self._served:
                return status if status > 0 else 1
            pause_s = FIRST_PAUSE_S if served else min(LONGEST_PAUSE_S, 2 * pause_s)
            log.error("serving ended (status %d); it begins anew in %.0f s", status, pause_s)
            self._manager.status(f"the cluster is lost; asked again every {pause_s:.0f} s, and longer")
            if self._stop_came(pause_s):
                return 0

    def _once(self) -> tuple[int, bool]:
        """The exit status of one child, and whether it has served."""
        read_fd, write_fd = os.pipe()
        environment = {**os.environ, CHILD: str(write_fd)}
        self._child = subprocess.Popen(self._command, env=environment, pass_fds=(write_fd,))
        os.close(write_fd)
        with os.fdopen(read_fd, "rb") as told:
            served = bool(told.read(1))  # ends with a byte, or with the child
        if served:
            self._served = True
            self._manager.ready()
            self._manager.status("serving embeddings")
        return self._child.wait(), served

    def _on_signal(self, number: int, _frame: object) -> None:
        self._stopped = True
        self._manager.stopping()
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(number)

    def _stop_came(self, within_s: float) -> bool:
        """Whether somebody ends it in the pause."""
        signal.pthread_sigmask(signal.SIG_BLOCK, self._waiting)
        try:
            return self._stopped or signal.sigtimedwait(self._waiting, within_s) is not None
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._waiting)


def as_child() -> Callable[[], None] | None:
    """In the child, which dies with its parent: what tells that it serves. None: this is the parent."""
    number = os.environ.pop(CHILD, "")
    if not number:
        return None
    fd = int(number)
    os.set_inheritable(fd, False)  # the parent reads until nobody holds it any more
    if not die_with_parent(os.getppid()):
        sys.exit(1)

    def tell() -> None:
        os.write(fd, b"1")
        os.close(fd)

    return tell
