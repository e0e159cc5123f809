"""The wall clock, and whether it may be believed where something is deleted by it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from earwitnessd.boot_clock import boot_clock
from earwitnessd.kernel_clock import synchronised

DAY_S = 86_400.0
HOUR_S = 3600.0
SLACK_S = 3600.0  # by which wall clock and monotonic clock may part between two looks


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the time comes from."""

    wall_s: Callable[[], float] = time.time
    monotonic_s: Callable[[], float] = boot_clock
    # a night's sleep is no clock that was set
    synchronised: Callable[[], bool] = synchronised

    def now(self) -> datetime:
        """By the wall."""
        return datetime.fromtimestamp(self.wall_s(), UTC)


class Believed:
    """Whether the wall clock may delete people, or what is kept of them.

    Not after it was set, nor at a start where it is far beyond all that was ever stored: a machine without a
    battery boots with any date. Then not before it has gone on for a day by itself; a doubtful start is
    forgiven as soon as the clock is synchronised.
    """

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._since_s = 0.0
        self._was_set = False

    def look(self, wall_s: float, monotonic_s: float, seen_s: float, *, synchronised: bool) -> bool:
        """`seen_s`: Unix time of the latest that is stored; it counts at the first look alone."""
        if self._last is None:
            plausible = synchronised or wall_s <= seen_s + DAY_S
            self._last = (wall_s, monotonic_s)
            self._since_s = monotonic_s - DAY_S if plausible else monotonic_s
            return plausible
        before_wall_s, before_s = self._last
        if abs((wall_s - before_wall_s) - (monotonic_s - before_s)) > SLACK_S:
            self._since_s, self._was_set = monotonic_s, True
        self._last = (wall_s, monotonic_s)
        return (synchronised and not self._was_set) or monotonic_s - self._since_s >= DAY_S
