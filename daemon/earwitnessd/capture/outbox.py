"""The way from a capture process to the engine: a Unix socket that never makes the capture loop wait."""

from __future__ import annotations

import fcntl
import select
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence

from earwitnessd.capture.messages import AnyMessage, Samples, pack
from earwitnessd.capture.wire import framed

BUFFER_BYTES = 1 << 20  # as much as the kernel lets us have: what is in there survives this process
BEAT_S = 0.25
READ_AGAIN_S = 0.02
SIOCOUTQ = 0x5411  # Linux: bytes of a socket that its peer has not read


class Outbox:
    """Owned by the capture process's main thread. While it is `blocked` the caller offers nothing more."""

    def __init__(self, path: str) -> None:
        """OSError if nobody listens there."""
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        self._line.connect(path)
        self._line.setblocking(False)
        self._pending: deque[bytes | memoryview] = deque()
        self.gone = False
        # the engine is no more: what is offered is for nobody

    @property
    def blocked(self) -> bool:
        """The engine does not take more at the moment."""
        return bool(self._pending)

    def fileno(self) -> int:
        """To poll for writing while it is blocked."""
        return self._line.fileno()

    def offer(self, message: AnyMessage, samples: Samples | None = None) -> None:
        """Send now if the engine takes it, else keep it for `pump`."""
        self._pending += [part for part in framed(pack(message, samples)) if part]
        self.pump()

    def pump(self) -> None:
        """Send what was kept."""
        while self._pending:
            try:
                sent = self._line.sendmsg(self._pending)
            except BlockingIOError:
                return
            except ConnectionError:
                self.gone = True
                self._pending.clear()
                return
            self._pending = _after(self._pending, sent)

    def close(self, limit_s: float, while_waiting: Callable[[], None]) -> bool:
        """Wait until everything was read, at most `limit_s`; False when something was left."""
        deadline_s = time.monotonic() + limit_s
        poll = select.poll()
        poll.register(self._line, select.POLLOUT)
        while self._pending and (left_s := deadline_s - time.monotonic()) > 0:
            poll.poll(min(left_s, BEAT_S) * 1000)
            self.pump()
            while_waiting()
        # Main hears of our end by another way: nothing may be left for the engine to hear after that.
        while self._unread() and time.monotonic() < deadline_s:
            time.sleep(READ_AGAIN_S)
            while_waiting()
        complete = not self._pending and not self._unread() and not self.gone
        self._line.close()
        return complete

    def _unread(self) -> bool:
        if sys.platform != "linux" or self.gone:
            return False
        try:
            (unread,) = struct.unpack("i", fcntl.ioctl(self._line, SIOCOUTQ, b"\0" * 4))
        except OSError:
            return True
        return bool(unread)


def _after(parts: Sequence[bytes | memoryview], sent: int) -> deque[bytes | memoryview]:
    """What is left when so many bytes are gone."""
    left: deque[bytes | memoryview] = deque()
    for part in parts:
        if sent < len(part):
            left.append(memoryview(part)[sent:] if sent else part)
        sent = max(0, sent - len(part))
    return left
