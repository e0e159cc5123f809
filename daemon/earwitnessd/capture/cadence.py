"""How often audio is handed on: rarely, but never later than a window needs it."""

from __future__ import annotations

import msgspec

from earwitnessd.capture.words import RATE

AT_ONCE_S = 0.5  # while somebody speaks, the speech gate hears so much at once


class Cadence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In 16 kHz samples. Who gets few large blocks wakes up less often than who gets many small ones."""

    window: int = 48_000
    # where the first window ends
    hop: int = 8_000
    # from one window's end to the next
    most: int = 4_000
    # wait no longer than this, however far away the next end is: somebody may begin to speak
    most_speech: int = round(AT_ONCE_S * RATE)
    # the same while somebody speaks: nothing that the gate could hear sooner is waited for

    @classmethod
    def of(cls, window_s: float, hop_s: float) -> Cadence:
        """For windows of this length, so far apart."""
        return cls(window=round(window_s * RATE), hop=max(1, round(hop_s * RATE)))

    def due(self, handed_on: int, *, speaking: bool = False) -> int:
        """What lies before `handed_on` is gone; the position from which on the rest must go, too."""
        ends = max(0, (handed_on - self.window) // self.hop + 1)
        return min(handed_on + self.longest(speaking=speaking), self.window + ends * self.hop)

    def longest(self, *, speaking: bool) -> int:
        """What is waited for at most."""
        return max(self.most, self.most_speech) if speaking else self.most
