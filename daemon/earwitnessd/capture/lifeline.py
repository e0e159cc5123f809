"""Ties a capture process to the daemon that started it: it dies with it and shows it that it lives."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

from earwitnessd.capture.job import Pulse

PR_SET_PDEATHSIG = 1
LONGEST_REASON_BYTES = 2000  # less than PIPE_BUF: written as one


def die_with_parent(parent_pid: int) -> bool:
    """Be killed when the parent goes; False when it is gone already. Not on Linux, `orphaned` must do."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    return not orphaned(parent_pid)


def orphaned(parent_pid: int) -> bool:
    """Somebody else has adopted this process."""
    return os.getppid() != parent_pid


class Heartbeat:
    """Writes `Pulse` bytes for the parent; owned by the main thread."""

    def __init__(self, fd: int | None) -> None:
        self._fd = fd
        if fd is not None:
            os.set_blocking(fd, False)

    def beat(self, pulse: bytes) -> None:
        """Never blocks: a parent that does not read has its own problems."""
        if self._fd is not None:
            with contextlib.suppress(BlockingIOError, BrokenPipeError):
                os.write(self._fd, pulse)

    def last_words(self, reason: str) -> None:
        """Tell the parent why, even where the engine does not listen."""
        line = reason.replace("\n", " ").encode()[:LONGEST_REASON_BYTES]
        self.beat(Pulse.REASON + line + b"\n")
