"""Tells samples that are lost from samples that are late, by their count against the monotonic clock."""

from __future__ import annotations

from collections import deque

SETTLE_S = 1.0  # a deficit must last this long while samples flow
SLICE_S = 0.1
TOLERANCE_S = 0.1  # about three blocks
FLAGGED_TOLERANCE_S = 0.005  # when the driver itself says that it dropped some
DRIFT_PER_S = 500e-6  # sound cards and our clock differ by up to 200 ppm
CATCHING_UP_S = 0.02  # a lag that shrinks by this much within SETTLE_S is a backlog being delivered
PAUSE_S = 0.25  # no samples for this long: observe afresh


class SampleClock:
    """Pure: fed with sample counts and times.

    The lag of a healthy stream jitters above a floor, and the floor moves no faster than clocks drift. After
    a stall whose samples were queued the lag falls back to the floor; where they are gone it stays up.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._started_s: float | None = None
        self._last_s = 0.0
        self._received = 0
        self._slices: deque[tuple[float, float]] = deque()  # (when it began, smallest lag in it)
        self._floor_s: float | None = None
        self._floor_at_s = 0.0
        self._flagged = False

    def flag(self) -> None:
        """The driver said that it dropped samples."""
        self._flagged = True

    @property
    def flagged(self) -> bool:
        """A flag whose loss has not been measured yet."""
        return self._flagged

    def lag_s(self, now_s: float) -> float:
        """How far the sample count is behind, measured from where it usually is."""
        if self._started_s is None:
            return 0.0
        lag = now_s - self._started_s - self._received / self._rate
        return lag - (self._floor_s or 0.0)

    def on_samples(self, received: int, at_s: float) -> int:
        """`received` counts all samples until now, lost ones included; how many more must be lost."""
        if self._started_s is None:
            self._started_s = at_s - received / self._rate
        if at_s - self._last_s > PAUSE_S:
            self._slices.clear()
        self._last_s, self._received = at_s, received
        self._observe(at_s, at_s - self._started_s - received / self._rate)
        return self._judge(at_s)

    def _observe(self, at_s: float, lag_s: float) -> None:
        if self._slices and at_s - self._slices[-1][0] < SLICE_S:
            began_s, smallest_s = self._slices[-1]
            self._slices[-1] = (began_s, min(smallest_s, lag_s))
        else:
            self._slices.append((at_s, lag_s))
        while at_s - self._slices[0][0] > SETTLE_S + SLICE_S:
            self._slices.popleft()

    def _judge(self, at_s: float) -> int:
        if at_s - self._slices[0][0] < SETTLE_S:
            return 0
        recent_s = min(lag for _, lag in self._slices)
        if self._floor_s is None:
            self._follow(recent_s, at_s)
            return 0
        deficit_s = recent_s - self._floor_s
        if self._slices[0][1] - self._slices[-1][1] > CATCHING_UP_S:
            return 0
        if self._flagged or deficit_s > TOLERANCE_S:
            lost_s = deficit_s if deficit_s > (FLAGGED_TOLERANCE_S if self._flagged else TOLERANCE_S) else 0.0
            # A flag alone still marks the place: one sample, because the driver knows that some are gone.
            lost = max(round(lost_s * self._rate), 1)
            self._flagged = False
            self._slices.clear()
            return lost
        allowed_s = self._floor_s + DRIFT_PER_S * (at_s - self._floor_at_s)
        self._follow(min(recent_s, allowed_s), at_s)
        return 0

    def _follow(self, floor_s: float, at_s: float) -> None:
        self._floor_s, self._floor_at_s = floor_s, at_s
