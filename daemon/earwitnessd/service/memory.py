"""How much memory this process has, and giving back what lies free in its heap."""

from __future__ import annotations

import ctypes
import os
import resource
import time

GIVE_BACK_EVERY_S = 30.0
_ARENA_MAX = -8  # of mallopt, in glibc's malloc.h


def resident_mb() -> float:
    """At this moment; where the kernel does not say that, the most it ever had.

    Told with each heartbeat, so it is read as plainly as can be.
    """
    try:
        file = os.open("/proc/self/statm", os.O_RDONLY)
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    try:
        pages = int(os.read(file, 256).split()[1])
    finally:
        os.close(file)
    return pages * resource.getpagesize() / 2**20


def share_one_heap() -> None:
    """For all threads; call it before there is a second one.

    Else a thread that decodes one recording leaves a heap of its own behind, with all that it needed.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(_ARENA_MAX, 1)


class GivingBack:
    """Owned by the main thread. Without it the process keeps the most that any batch or recording needed.

    It takes milliseconds; the C library must be glibc, others give back by themselves or not at all.
    """

    def __init__(self) -> None:
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        self._due_s = time.monotonic() + GIVE_BACK_EVERY_S

    def tick(self) -> None:
        """Do it if it is time."""
        if time.monotonic() >= self._due_s:
            self.now()

    def now(self) -> None:
        """Do it."""
        self._due_s = time.monotonic() + GIVE_BACK_EVERY_S
        if self._trim:
            self._trim(0)
