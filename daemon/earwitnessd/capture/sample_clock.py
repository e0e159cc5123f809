"""Tells samples that are lost from samples that are late, by their count against the monotonic clock."""

from __future__ import annotations

from collections import deque

SETTLED_SLICES = 3  # a deficit must show in as many slices, one after the other
TOLERANCE_S = 0.1  # about three blocks
FLAGGED_TOLERANCE_S = 0.005  # when the driver itself says that it dropped some
DRIFT_PER_S = 500e-6  # sound cards and our clock differ by up to 200 ppm
CATCHING_UP_S = 0.02  # a lag that shrinks by this much is a backlog being delivered


class SampleClock:
    """Pure: fed with sample counts and times.

    The lag of a healthy stream jitters above a floor, and the floor moves no faster than clocks drift. After
    a stall whose samples were queued the lag falls back to the floor; where they are gone it stays up.
    """

    def __init__(self, rate: int, buffered_s: float) -> None:
        self._rate = rate
        # Samples come in bursts of up to half the buffer; the smallest lag of a slice does not show them.
        self._slice_s = 0.1 + buffered_s / 2
        self._pause_s = 0.25 + buffered_s
        self._started_s: float | None = None
        self._last_s = 0.0
        self._received = 0
        self._slices: deque[float] = deque(maxlen=SETTLED_SLICES)  # smallest lag of each
        self._slice_began_s = 0.0
        self._slice_lag_s = float("inf")
        self._floor_s: float | None = None
        self._floor_at_s = 0.0
        self._flagged = False

    def flag(self) -> None:
        """The driver said that it dropped samples just now."""
        if not self._flagged:
            self._flagged = True
            self._slices.clear()
            self._slice_lag_s = float("inf")

    @property
    def flagged(self) -> bool:
        """A flag whose loss has not been measured yet."""
        return self._flagged

    def lag_s(self, now_s: float) -> float:
        """How far the sample count is behind, from where it is at best."""
        if self._started_s is None:
            return 0.0
        best_s = min(
            self._slice_lag_s, *self._slices, self._slice_lag_s if self._floor_s is None else self._floor_s
        )
        return max(0.0, self._lag_at(now_s) - best_s)

    def on_samples(self, received: int, at_s: float) -> int:
        """`received` counts all samples until now, lost ones included; how many more must be lost."""
        if self._started_s is None:
            self._started_s = self._slice_began_s = self._last_s = at_s
        if at_s - self._last_s > self._pause_s:
            self._begin_slice(at_s)
            self._slices.clear()
        self._last_s, self._received = at_s, received
        lost = 0
        if at_s - self._slice_began_s >= self._slice_s:
            self._slices.append(self._slice_lag_s)
            self._begin_slice(at_s)
            lost = self._judge(at_s)
        self._slice_lag_s = min(self._slice_lag_s, self._lag_at(at_s))
        return lost

    def _lag_at(self, now_s: float) -> float:
        assert self._started_s is not None
        return now_s - self._started_s - self._received / self._rate

    def _begin_slice(self, at_s: float) -> None:
        self._slice_began_s, self._slice_lag_s = at_s, float("inf")

    def _judge(self, at_s: float) -> int:
        if len(self._slices) < SETTLED_SLICES:
            return 0
        recent_s = min(self._slices)
        if self._floor_s is None:
            self._floor_s, self._floor_at_s = recent_s, at_s
        deficit_s = recent_s - self._floor_s
        if deficit_s > 0.0 and self._slices[0] - self._slices[-1] > CATCHING_UP_S:
            return 0
        if self._flagged or deficit_s > TOLERANCE_S:
            return self._lose(deficit_s)
        self._floor_s = min(recent_s, self._floor_s + DRIFT_PER_S * (at_s - self._floor_at_s))
        self._floor_at_s = at_s
        return 0

    def _lose(self, deficit_s: float) -> int:
        tolerance_s = FLAGGED_TOLERANCE_S if self._flagged else TOLERANCE_S
        self._flagged = False
        self._slices.clear()
        self._slice_lag_s = float("inf")
        # A flag marks the place even where the clock shows nothing: the driver knows that some are gone.
        return max(1, round(deficit_s * self._rate)) if deficit_s > tolerance_s else 1
