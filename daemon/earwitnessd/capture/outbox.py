"""The way from a capture process to the engine: a PUSH socket that never makes the capture loop wait."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import zmq

from earwitnessd.capture.messages import AnyMessage, Samples, pack

HIGH_WATER_BLOCKS = 16  # few: what waits in here is lost if this process is killed
BEAT_S = 0.25


class Outbox:
    """Owned by the capture process's main thread. While it is `blocked` the caller offers nothing more."""

    def __init__(self, endpoint: str) -> None:
        self._context = zmq.Context()
        self.socket: zmq.Socket[bytes] = self._context.socket(zmq.PUSH)
        self.socket.setsockopt(zmq.SNDHWM, HIGH_WATER_BLOCKS)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(endpoint)
        self._pending: deque[list[bytes]] = deque()

    @property
    def blocked(self) -> bool:
        """The engine does not take more at the moment."""
        return bool(self._pending)

    def offer(self, message: AnyMessage, samples: Samples | None = None) -> None:
        """Send now if the engine takes it, else keep it for `pump`."""
        self._pending.append(pack(message, samples))
        self.pump()

    def pump(self) -> None:
        """Send what was kept."""
        while self._pending:
            try:
                self.socket.send_multipart(self._pending[0], zmq.NOBLOCK)
            except zmq.Again:
                return
            self._pending.popleft()

    def close(self, limit_s: float, while_waiting: Callable[[], None]) -> bool:
        """Wait until everything is handed over, at most `limit_s`; False when something was left."""
        deadline = time.monotonic() + limit_s
        while self._pending and (left_s := deadline - time.monotonic()) > 0:
            self.socket.poll(int(min(left_s, BEAT_S) * 1000) + 1, zmq.POLLOUT)
            self.pump()
            while_waiting()
        self.socket.close(linger=max(0, int((deadline - time.monotonic()) * 1000)))
        # Terminating blocks for as long as the socket lingers, and the parent must keep hearing from us.
        handed_over = threading.Thread(target=self._context.term, daemon=True)
        handed_over.start()
        while handed_over.is_alive() and time.monotonic() < deadline + BEAT_S:
            handed_over.join(BEAT_S)
            while_waiting()
        return not self._pending and time.monotonic() < deadline
