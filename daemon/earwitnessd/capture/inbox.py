"""Where capture processes bring their messages: a Unix socket, and a connection for each of them.

ZeroMQ, which carries everything that leaves the daemon, would cost more here than all that is done with the
audio: a thread of its own that is woken first, and a dozen system calls to ask a socket for its news.
"""

from __future__ import annotations

import logging
import select
import socket
from collections import deque
from collections.abc import Collection

from earwitnessd.capture.wire import LENGTHS, GarbledError, lengths

MOST_WAITING = 128  # processes that connect at once

Frames = list[bytes]

log = logging.getLogger(__name__)


class Inbox:
    """Owned by the thread that takes. What nobody takes stays with the processes."""

    def __init__(self, path: str) -> None:
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._door.bind(path)
        self._door.listen(MOST_WAITING)
        self._door.setblocking(False)
        self._callers: dict[int, _Caller] = {}
        self._poll = select.poll()
        self._poll.register(self._door, select.POLLIN)
        self._ready: deque[int] = deque()
        self.changes = 0
        # of `filenos`

    def filenos(self) -> Collection[int]:
        """To poll for reading."""
        return [self._door.fileno(), *self._callers]

    def take(self, timeout_s: float = 0.0) -> Frames | None:
        """The next message, of each process in turn; None: there is no whole one."""
        while True:
            if not self._ready:
                self._ready += [fd for fd, _ in self._poll.poll(timeout_s * 1000.0)]
                if not self._ready:
                    return None
            fd = self._ready.popleft()
            caller = self._callers.get(fd)
            if caller is None:
                self._greet()
            elif (frames := self._hear(caller)) is not None:
                return frames

    def close(self) -> None:
        """Of what is still under way, nothing is taken."""
        for caller in list(self._callers.values()):
            self._part(caller)
        self._door.close()

    def _greet(self) -> None:
        try:
            line, _ = self._door.accept()
        except (BlockingIOError, ConnectionAbortedError):  # it has gone again
            return
        line.setblocking(False)
        self._callers[line.fileno()] = _Caller(line)
        self._poll.register(line, select.POLLIN)
        self.changes += 1

    def _hear(self, caller: _Caller) -> Frames | None:
        try:
            return caller.take()
        except GarbledError as error:
            log.warning("a connection of a capture process makes no sense, and is closed: %s", error)
        except (EOFError, ConnectionError):
            pass
        self._part(caller)
        return None

    def _part(self, caller: _Caller) -> None:
        fd = caller.line.fileno()
        self._poll.unregister(fd)
        del self._callers[fd]
        caller.line.close()
        self.changes += 1


class _Caller:
    """One process: puts together what comes in pieces."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        self._begun = b""
        # of what is being read
        self._lengths: tuple[int, int] | None = None
        # of the message; None: not known yet

    def take(self) -> Frames | None:
        """The next message, if all of it is there; EOFError when no more comes."""
        if self._lengths is None:
            prefix = self._read(LENGTHS.size)
            if prefix is None:
                return None
            self._lengths = lengths(prefix)
        samples, first = self._lengths
        whole = self._read(samples + first)
        if whole is None:
            return None
        self._lengths = None
        return [whole[samples:], whole[:samples]] if samples else [whole]

    def _read(self, count: int) -> bytes | None:
        try:
            data = self.line.recv(count - len(self._begun))
        except BlockingIOError:
            return None
        if not data:
            raise EOFError
        if self._begun:
            data = self._begun + data
        if len(data) < count:
            self._begun = data
            return None
        self._begun = b""
        return data
