"""Notices that the machine slept: while it does, only the boot clock goes on; without one, never."""

from __future__ import annotations

import time
from collections.abc import Callable

from earwitnessd.boot_clock import boot_clock

SHORTEST_S = 1.0  # the two clocks are read one after the other, and a busy machine may wait in between


class Suspension:
    """Owned by the main thread. The wall clock is not asked: it jumps without any sleep."""

    def __init__(
        self, boot: Callable[[], float] = boot_clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._boot = boot
        self._monotonic = monotonic
        self._ahead_s = boot() - monotonic()
        self.total_s = 0.0
        # of this boot of the daemon

    def slept_s(self) -> float:
        """How long the machine slept since the last call; 0 if it did not."""
        ahead_s = self._boot() - self._monotonic()
        slept_s = ahead_s - self._ahead_s
        if slept_s < SHORTEST_S:
            return 0.0
        self._ahead_s = ahead_s
        self.total_s += slept_s
        return slept_s
