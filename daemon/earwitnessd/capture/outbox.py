"""The way from a capture process to the engine: a PUSH socket that never makes the capture loop wait."""

from __future__ import annotations

import fcntl
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable

import zmq
from zmq.utils.monitor import recv_monitor_message

from earwitnessd.capture.messages import AnyMessage, Samples, pack

HIGH_WATER_BLOCKS = 16  # few: what waits in here is lost if this process is killed
BEAT_S = 0.25
UNREAD_AGAIN_S = 0.05
SIOCOUTQ = 0x5411  # Linux: bytes of a socket that its peer has not read


class Outbox:
    """Owned by the capture process's main thread. While it is `blocked` the caller offers nothing more."""

    def __init__(self, endpoint: str) -> None:
        self._context = zmq.Context()
        self.socket: zmq.Socket[bytes] = self._context.socket(zmq.PUSH)
        self.socket.setsockopt(zmq.SNDHWM, HIGH_WATER_BLOCKS)
        self.socket.setsockopt(zmq.LINGER, 0)
        self._monitor = self.socket.get_monitor_socket(zmq.EVENT_CONNECTED | zmq.EVENT_DISCONNECTED)
        self.socket.connect(endpoint)
        self._peer_fd = -1
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
        self._wait_until_read(deadline, while_waiting)
        self.socket.disable_monitor()
        self._monitor.close(linger=0)
        self.socket.close(linger=max(0, int((deadline - time.monotonic()) * 1000)))
        # Terminating blocks for as long as the socket lingers, and the parent must keep hearing from us.
        handed_over = threading.Thread(target=self._context.term, daemon=True)
        handed_over.start()
        while handed_over.is_alive() and time.monotonic() < deadline + BEAT_S:
            handed_over.join(BEAT_S)
            while_waiting()
        return not self._pending and time.monotonic() < deadline

    def _wait_until_read(self, deadline_s: float, while_waiting: Callable[[], None]) -> None:
        # A PULL socket at its high-water mark forgets what is still in the kernel when the peer closes.
        read_since_s: float | None = None
        while (now_s := time.monotonic()) < deadline_s:
            if self._unread():
                read_since_s = None
            elif read_since_s is None:
                read_since_s = now_s
            elif now_s - read_since_s >= UNREAD_AGAIN_S:
                return
            self._monitor.poll(int(UNREAD_AGAIN_S * 500))
            while_waiting()

    def _unread(self) -> bool:
        while self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)
            self._peer_fd = event["value"] if event["event"] == zmq.EVENT_CONNECTED else -1
        if sys.platform != "linux":
            return False
        if self._peer_fd < 0:
            return True
        try:
            (unread,) = struct.unpack("i", fcntl.ioctl(self._peer_fd, SIOCOUTQ, b"\0" * 4))
        except OSError:
            return True
        return bool(unread)
