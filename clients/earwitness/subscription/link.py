"""Tell from connections and silence whether the daemon can be heard."""

from __future__ import annotations

from ..notices import Connected, Disconnected

SILENCE_S = 3.0  # the heartbeat's time to live


class Link:
    """The state of one connection; says something only when it changes."""

    def __init__(self, endpoint: str, *, silence_s: float = SILENCE_S) -> None:
        self.endpoint = endpoint
        self.silence_s = silence_s
        self.up: bool | None = None  # None: not known yet
        self._open = False  # a connection exists, silent or not
        self._heard_at = 0.0

    def on_connected(self, now: float) -> Connected | None:
        """A connection was made and its handshake done."""
        self._open = True
        return self.on_heard(now)

    def on_disconnected(self, reason: str) -> Disconnected | None:
        """The connection is gone, or could not be made."""
        self._open = False
        return self._down(reason)

    def on_heard(self, now: float) -> Connected | None:
        """Something arrived."""
        self._heard_at = now
        if self.up or not self._open:
            return None
        self.up = True
        return Connected(endpoint=self.endpoint)

    def on_quiet(self, now: float) -> Disconnected | None:
        """Nothing is waiting to be read at this moment."""
        if not self.up or now - self._heard_at < self.silence_s:
            return None
        return self._down(f"connected, but nothing heard for {self.silence_s:g} s")

    def patience_s(self, now: float) -> float | None:
        """How long silence is still normal; None: nothing to wait for."""
        return max(0.0, self._heard_at + self.silence_s - now) if self.up else None

    def _down(self, reason: str) -> Disconnected | None:
        if self.up is False:
            return None
        self.up = False
        return Disconnected(endpoint=self.endpoint, reason=reason)
