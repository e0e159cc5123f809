"""Another process's wall clock and boot clock, to be moved from here."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

from .compiled import shared_library

HOUR_S = 3600
YEAR_S = 365 * 24 * HOUR_S


class Clocks:
    """Give `environment` to the process; the jumps take effect at once."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clocks"
        self._wall_s = self._boot_s = 0
        self._write()
        self._library = shared_library("clock_shim.c", folder, "-ldl")

    @property
    def environment(self) -> Mapping[str, str]:
        """For the process."""
        return {"LD_PRELOAD": str(self._library), "CLOCK_SHIM": str(self._file)}

    def set_wall(self, ahead_s: int) -> None:
        """Somebody sets the clock: so far ahead of the truth."""
        self._wall_s = ahead_s
        self._write()

    def sleep(self, for_s: int) -> None:
        """The machine was suspended, as its clocks tell."""
        self._wall_s += for_s
        self._boot_s += for_s
        self._write()

    def _write(self) -> None:
        with self._file.open("r+b" if self._file.exists() else "w+b") as file:  # never shorter: it is mapped
            file.write(struct.pack("=qq", self._wall_s, self._boot_s))
