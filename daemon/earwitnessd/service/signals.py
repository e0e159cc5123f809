"""Signals as something that a poller can wait for."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals:
    """The readable end of the wake-up; owned by the main thread."""

    def __init__(self, receiver: socket.socket) -> None:
        self._receiver = receiver

    def fileno(self) -> int:
        """Poll this for reading."""
        return self._receiver.fileno()

    def drain(self) -> None:
        """Forget the wake-ups: the handler has seen each signal already."""
        with suppress(BlockingIOError):
            while self._receiver.recv(64):
                pass


@contextmanager
def signals(act: Callable[[int], None]) -> Iterator[Signals]:
    """Have `act` called for each, and the poller woken; the old handlers come back at the end."""
    receiver, sender = socket.socketpair()
    receiver.setblocking(False)
    sender.setblocking(False)

    def on_signal(number: int, _frame: object) -> None:
        act(number)

    before_fd = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, on_signal) for number in HANDLED}
    try:
        yield Signals(receiver)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before_fd)
        sender.close()
        receiver.close()
