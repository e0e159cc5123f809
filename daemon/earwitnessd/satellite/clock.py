"""How far another machine's clock is off, and how fast it drifts, by questions and answers over a link."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

KEPT = 128
# exchanges: at one every two seconds, four minutes
QUIETEST = 0.25
# of them, those with the shortest round trips, tell most
DRIFT_AFTER_S = 30.0
# before, jitter would look like drift
JUMPED_S = 0.5
# beyond what the round trip allows: the other clock was set, or its machine slept
NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and its answer; ours by our clock, theirs by theirs."""

    asked_ns: int
    heard_ns: int
    # theirs
    answered_ns: int
    # theirs
    returned_ns: int

    @property
    def round_trip_s(self) -> float:
        """On the link, both ways."""
        return (self.returned_ns - self.asked_ns - (self.answered_ns - self.heard_ns)) / NS

    @property
    def offset_s(self) -> float:
        """Their clock less ours, if both ways took as long; wrong by half a round trip at most."""
        return ((self.heard_ns - self.asked_ns) + (self.answered_ns - self.returned_ns)) / 2 / NS

    @property
    def middle_ns(self) -> int:
        """By our clock."""
        return (self.asked_ns + self.returned_ns) // 2


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the exchanges say together."""

    offset_s: float
    # their clock less ours, now
    within_s: float
    # half of the shortest round trip: it is not further off than this, drift aside
    drift_ppm: float | None
    # so much faster runs theirs; None: not known yet
    round_trip_s: float
    # of the last exchange


class ClockEstimate:
    """Takes exchanges; no clock of its own. A clock that jumps is measured anew."""

    def __init__(self) -> None:
        self._exchanges: deque[Exchange] = deque(maxlen=KEPT)
        self.jumps = 0

    def add(self, exchange: Exchange) -> None:
        """An answer; one that came before it was asked for is a lie, and is not counted."""
        if exchange.round_trip_s < 0.0 or exchange.answered_ns < exchange.heard_ns:
            return
        if self._exchanges and self._jumped(exchange):
            self._exchanges.clear()
            self.jumps += 1
        self._exchanges.append(exchange)

    def estimate(self, now_ns: int) -> Estimate | None:
        """At this moment of our clock; None: nobody has answered yet."""
        if not self._exchanges:
            return None
        quiet = self._quiet()
        at_s = np.array([(each.middle_ns - now_ns) / NS for each in quiet])
        offsets = np.array([each.offset_s for each in quiet])
        nearest = quiet[0]
        drift = self._drift(at_s, offsets)
        offset = nearest.offset_s if drift is None else float(np.mean(offsets - drift * at_s))
        return Estimate(
            offset_s=offset,
            within_s=nearest.round_trip_s / 2,
            drift_ppm=None if drift is None else drift * 1e6,
            round_trip_s=self._exchanges[-1].round_trip_s,
        )

    def _quiet(self) -> list[Exchange]:
        """Those that met no queue, the quickest first."""
        ordered = sorted(self._exchanges, key=lambda each: each.round_trip_s)
        return ordered[: max(1, round(QUIETEST * len(ordered)))]

    @staticmethod
    def _drift(at_s: np.typing.NDArray[np.float64], offsets: np.typing.NDArray[np.float64]) -> float | None:
        """Seconds a second, by a straight line; None: too short a time to tell."""
        if len(at_s) < 3 or float(np.ptp(at_s)) < DRIFT_AFTER_S:
            return None
        centred = at_s - at_s.mean()
        return float(np.sum(centred * (offsets - offsets.mean())) / np.sum(centred**2))

    def _jumped(self, exchange: Exchange) -> bool:
        last = self._exchanges[-1]
        allowed_s = (exchange.round_trip_s + last.round_trip_s) / 2 + JUMPED_S
        return abs(exchange.offset_s - last.offset_s) > allowed_s
