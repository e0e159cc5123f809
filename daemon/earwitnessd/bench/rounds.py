"""Times several ways of doing the same in turn, so that whatever else the machine does meets them all."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

LEAST_ROUNDS = 7
MOST_ROUNDS = 200
WARM_UP_ROUNDS = 2


def alternate(
    ways: Sequence[Callable[[], object]], seconds: float, clock: Callable[[], float] = time.perf_counter
) -> list[list[float]]:
    """What each took, round by round, for about so many seconds; every round begins with another."""
    for _ in range(WARM_UP_ROUNDS):
        for way in ways:
            way()
    took: list[list[float]] = [[] for _ in ways]
    began_s = clock()
    rounds = 0
    while rounds < LEAST_ROUNDS or (clock() - began_s < seconds and rounds < MOST_ROUNDS):
        for place in range(len(ways)):
            number = (place + rounds) % len(ways)
            start_s = clock()
            ways[number]()
            took[number].append(clock() - start_s)
        rounds += 1
    return took
