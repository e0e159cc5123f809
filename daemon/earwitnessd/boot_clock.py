"""Seconds since the machine's start, sleep included, however the wall clock is set."""

from __future__ import annotations

import time


def boot_clock() -> float:
    """Where there is no such clock, the monotonic one, which stands still while the machine sleeps."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
