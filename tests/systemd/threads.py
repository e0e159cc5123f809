"""Freezes single threads of a process from outside, as a driver or a lock that never comes back would."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WAIT_ANY_THREAD = 0x40000000  # __WALL
OURS_NOT = ("ZMQbg",)  # threads of libzmq


class FrozenThreads:
    """All threads but the main one and libzmq's: the engine stands still, the service goes on.

    `main`: that one, and no other.
    """

    def __init__(self, pid: int, *, main: bool = False) -> None:
        self._pid = pid
        self._main = main
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._frozen: list[int] = []

    def __enter__(self) -> FrozenThreads:
        for task in Path(f"/proc/{self._pid}/task").iterdir():
            thread = int(task.name)
            if (thread == self._pid) == self._main and not (task / "comm").read_text().startswith(OURS_NOT):
                self._freeze(thread)
        assert self._frozen
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for thread in self._frozen:
            self._libc.ptrace(DETACH, thread, 0, 0)  # it may be gone

    def reap(self) -> None:
        """Let go of threads that were killed: until then the process cannot end."""
        for thread in self._frozen:
            with suppress(ChildProcessError):
                os.waitpid(thread, os.WNOHANG | WAIT_ANY_THREAD)

    def _freeze(self, thread: int) -> None:
        for request in (SEIZE, INTERRUPT):
            if self._libc.ptrace(request, thread, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), f"ptrace {request:#x} of thread {thread}")
        os.waitpid(thread, WAIT_ANY_THREAD)
        self._frozen.append(thread)
