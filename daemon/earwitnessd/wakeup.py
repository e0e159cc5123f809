"""A pipe that ends a poll: from another thread, a signal handler or PortAudio's callback, blocking none."""

from __future__ import annotations

import contextlib
import os


class Wakeup:
    """`ring` from any thread; the rest belongs to the thread that polls."""

    def __init__(self) -> None:
        self.read_fd, self.write_fd = os.pipe()
        os.set_blocking(self.read_fd, False)
        os.set_blocking(self.write_fd, False)

    def ring(self) -> None:
        """Make `read_fd` readable."""
        with contextlib.suppress(BlockingIOError):  # full: it is readable already
            os.write(self.write_fd, b"\0")

    def drain(self) -> None:
        """Until the next ring."""
        try:  # noqa: SIM105  # at each wake-up of both threads, mostly with nothing to read
            os.read(self.read_fd, 4096)
        except BlockingIOError:
            pass

    def close(self) -> None:
        """When nobody rings or polls any more."""
        os.close(self.read_fd)
        os.close(self.write_fd)
