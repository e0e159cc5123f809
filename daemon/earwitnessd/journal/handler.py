"""Sends log records to journald, which keeps their fields."""

from __future__ import annotations

import logging
import os
import socket
import stat
from collections.abc import Mapping
from pathlib import Path

from earwitnessd.journal.entry import entry

SOCKET = Path("/run/systemd/journal/socket")


class JournalHandler(logging.Handler):
    """What journald does not take goes to `otherwise`: a line less in the journal must not be a line lost."""

    def __init__(
        self, otherwise: logging.Handler, identifier: str = "earwitnessd", address: Path = SOCKET
    ) -> None:
        super().__init__()
        self._otherwise = otherwise
        self._identifier = identifier
        self._address = str(address)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def emit(self, record: logging.LogRecord) -> None:
        """Never waits: a journal that is restarting must not hold up the audio."""
        try:
            data = entry(record, self.format(record), self._identifier)
            self._socket.sendto(data, socket.MSG_DONTWAIT, self._address)
        except OSError:
            self._otherwise.handle(record)
        except Exception:  # noqa: BLE001 - as logging itself does: a bad log line ends no thread
            self.handleError(record)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()
        super().close()


def is_journal(descriptor: int, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this output goes to journald: the variable is inherited, a redirected output is not meant."""
    device, _, inode = environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        found = os.fstat(descriptor)
        return stat.S_ISSOCK(found.st_mode) and (found.st_dev, found.st_ino) == (int(device), int(inode))
    except (OSError, ValueError):
        return False
