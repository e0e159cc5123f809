"""Tells systemd how the service is doing; does nothing when not started by it."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress


class ServiceManager:
    """The socket that systemd named in $NOTIFY_SOCKET."""

    def __init__(self) -> None:
        address = os.environ.pop("NOTIFY_SOCKET", "")  # children must not speak for us
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._status = ""
        watchdog_us = os.environ.pop("WATCHDOG_USEC", "")
        meant_for_us = os.environ.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_s = int(watchdog_us) / 1e6 if watchdog_us and meant_for_us else None
        # within this time the service must prove its progress

    def ready(self) -> None:
        """Start-up is over."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Settings are being read again; `ready` says when that is done."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Shutting down in good order."""
        self._send("STOPPING=1")

    def status(self, line: str) -> None:
        """What `systemctl status` shows."""
        if line != self._status:
            self._status = line
            self._send(f"STATUS={' '.join(line.split())}")  # a line feed would begin another message

    def progress(self) -> None:
        """The service does its work: the watchdog may wait again."""
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker, suppress(OSError):
            # a manager that is restarting itself, or reads nothing, must not hold us up
            speaker.sendto(message.encode(), socket.MSG_DONTWAIT, self._address)
