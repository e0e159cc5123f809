"""How much may come how fast: what comes steadily fills a bucket, what comes at once empties it."""

from __future__ import annotations


class Allowance:
    """Pure: takes the time from outside, in seconds."""

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left = burst
        self._at_s: float | None = None

    def left(self, now_s: float) -> float:
        """How much may come now."""
        if self._at_s is not None:
            self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        return self._left

    def take(self, amount: float, now_s: float) -> bool:
        """Whether that much may come; if not, nothing is taken."""
        if amount > self.left(now_s):
            return False
        self._left -= amount
        return True

    def due_in_s(self, amount: float, now_s: float) -> float:
        """When that much may come."""
        return max(0.0, (min(amount, self._burst) - self.left(now_s)) / self._per_s)
