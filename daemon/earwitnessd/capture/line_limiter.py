"""Lets a few lines of a noisy child through and counts the rest."""

from __future__ import annotations

LINES = 10
WINDOW_S = 10.0
LONGEST_LINE = 400  # characters


class LineLimiter:
    """Pure: bytes and times in, lines worth logging out."""

    def __init__(self) -> None:
        self._window_began_s = float("-inf")
        self._let_through = 0
        self._rest = b""
        self._unsaid = 0
        self.dropped = 0
        # in all

    def feed(self, data: bytes, now_s: float) -> list[str]:
        """Lines to log."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-LONGEST_LINE:]
        shown = self.summary(now_s)
        room = LINES - self._let_through
        full = [line for line in lines if line.strip()]
        shown += [line[:LONGEST_LINE].decode(errors="replace").rstrip() for line in full[:room]]
        self._let_through += min(room, len(full))
        self._unsaid += max(0, len(full) - room)
        self.dropped += max(0, len(full) - room)
        return shown

    def summary(self, now_s: float) -> list[str]:
        """How many lines were not shown, once a window is over."""
        if now_s - self._window_began_s < WINDOW_S:
            return []
        self._window_began_s, self._let_through = now_s, 0
        unsaid, self._unsaid = self._unsaid, 0
        return [f"({unsaid} more lines in {WINDOW_S:g} s)"] if unsaid else []

    def finish(self) -> list[str]:
        """The last line, if it had no end, and the last count."""
        rest, self._rest = self._rest.strip(), b""
        shown = [rest.decode(errors="replace")] if rest and self._let_through < LINES else []
        unsaid, self._unsaid = self._unsaid, 0
        return shown + ([f"({unsaid} more lines)"] if unsaid else [])
