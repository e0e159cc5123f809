"""Whether somebody speaks, as the engine has found out and the parent passes it on."""

from __future__ import annotations

import contextlib
import os

from earwitnessd.capture.job import Speech

READ_BYTES = 64


class SpeechHint:
    """Owned by the capture process's main thread; without a pipe nobody ever speaks."""

    def __init__(self, fd: int | None) -> None:
        self.fd = fd
        # to poll for reading; None: nothing more is said
        self.speaking = False
        if fd is not None:
            os.set_blocking(fd, False)

    def read(self) -> bool:
        """Whether somebody speaks by the last that was said."""
        if self.fd is None:
            return self.speaking
        with contextlib.suppress(BlockingIOError):
            said = os.read(self.fd, READ_BYTES)
            self.speaking = said.endswith(Speech.STARTED)
            if not said:
                self.fd = None
        return self.speaking
