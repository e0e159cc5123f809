"""How long whoever is asked to end may still take: one deadline for all of them."""

from __future__ import annotations

import math
import time

LEAST_S = 0.1  # for whoever waits for a disk, whatever time is left


class Leaving:
    """Owned by the main thread."""

    def __init__(self) -> None:
        self._by_s = math.inf
        # by the monotonic clock; not yet: there is no hurry

    def begin(self, within_s: float) -> None:
        """The daemon stops now."""
        self._by_s = time.monotonic() + within_s

    def left_s(self, for_others_s: float = 0.0) -> float:
        """Of the time that is not kept for those who are asked later."""
        return max(LEAST_S, self._by_s - time.monotonic() - for_others_s)
