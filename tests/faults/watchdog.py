"""In the place of systemd: hears the notifications, and knows when a watchdog would bite."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from types import TracebackType

FED = "WATCHDOG=1"


class ServiceManager:
    """Give `environment` to the service."""

    def __init__(self, folder: Path, watchdog_s: float) -> None:
        self._watchdog_s = watchdog_s
        address = folder / "notify"
        address.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(address))
        self.environment = {
            "NOTIFY_SOCKET": str(address),
            "WATCHDOG_USEC": str(round(1e6 * watchdog_s)),
        }

    def __enter__(self) -> ServiceManager:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def await_food(self, within_s: float = 10.0) -> None:
        """Until the service says that it makes progress."""
        assert self._hears_food(within_s), f"the watchdog was not fed within {within_s} s"

    def await_bite(self, within_s: float = 20.0) -> float:
        """Until the watchdog has been without food for its time, as systemd counts; how long from now."""
        began_s = time.monotonic()
        while self._hears_food(self._watchdog_s):
            assert time.monotonic() - began_s < within_s, "the watchdog is still being fed"
        return time.monotonic() - began_s

    def stays_fed(self, for_s: float) -> bool:
        """Whether it never goes without."""
        until_s = time.monotonic() + for_s
        while time.monotonic() < until_s:
            if not self._hears_food(self._watchdog_s):
                return False
        return True

    def _hears_food(self, within_s: float) -> bool:
        until_s = time.monotonic() + within_s
        while (left_s := until_s - time.monotonic()) > 0:
            self._socket.settimeout(left_s)
            try:
                if FED in self._socket.recv(4096).decode().splitlines():
                    return True
            except TimeoutError:
                return False
        return False
