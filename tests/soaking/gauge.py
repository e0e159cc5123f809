"""How much memory the daemon's heap has given out, to the byte: what is resident tells it only roughly."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

from tests.faults.compiled import shared_library

HERE = Path(__file__).parent


class HeapGauge:
    """Give `environment` to the process; it is read whenever the daemon gives memory back."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "heap"
        self._library = shared_library(str(HERE / "heap_gauge.c"), folder, "-ldl", name="heap_gauge.so")

    @property
    def environment(self) -> Mapping[str, str]:
        """For the process. Python's small objects, too, come from the heap that is measured."""
        return {
            "LD_PRELOAD": str(self._library),
            "HEAP_GAUGE": str(self._file),
            "PYTHONMALLOC": "malloc",
        }

    @property
    def given_out_mb(self) -> float:
        """When the daemon last gave back."""
        (given_out,) = struct.unpack("=q", self._file.read_bytes())
        return int(given_out) / 2**20
