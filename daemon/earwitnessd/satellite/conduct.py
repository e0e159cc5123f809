"""How much a satellite may send, and for how long it is not let in after it sent too much or a lie. Pure."""

from __future__ import annotations

from earwitnessd.capture.words import RATE
from earwitnessd.satellite.allowance import Allowance

MESSAGES_PER_S = 100.0
MESSAGES_BURST = 600.0
BYTES_PER_S = 8.0 * 4 * RATE
# of float32: twice as fast as a satellite catches up, or four times as fast of what it usually sends
BYTES_BURST = 30.0 * 4 * RATE
FIRST_BAN_S = 10.0
LONGEST_BAN_S = 600.0
FORGIVEN_AFTER_S = 600.0


class FloodError(Exception):
    """Too much came too fast; says what."""


class Conduct:
    """Of one key; takes the time from outside."""

    def __init__(self) -> None:
        self.cuts = 0
        self.refused = 0
        # messages
        self._messages = Allowance(MESSAGES_PER_S, MESSAGES_BURST)
        self._bytes = Allowance(BYTES_PER_S, BYTES_BURST)
        self._ban_s = FIRST_BAN_S
        self._banned_until_s = 0.0

    def banned_s(self, now_s: float) -> float:
        """For how long it still is not let in."""
        return max(0.0, self._banned_until_s - now_s)

    def count(self, data_bytes: int, now_s: float) -> None:
        """One message with so much audio; FloodError when it is too much."""
        if not self._messages.take(1.0, now_s):
            raise FloodError(f"more than {MESSAGES_PER_S:.0f} messages a second")
        if not self._bytes.take(data_bytes, now_s):
            raise FloodError("audio many times as fast as it can have been spoken")

    def ban(self, now_s: float) -> float:
        """It was caught: for so many seconds it is not let in, each time longer."""
        if now_s - self._banned_until_s > FORGIVEN_AFTER_S:
            self._ban_s = FIRST_BAN_S
        ban_s = self._ban_s
        self.cuts += 1
        self._banned_until_s = now_s + ban_s
        self._ban_s = min(2 * ban_s, LONGEST_BAN_S)
        return ban_s
