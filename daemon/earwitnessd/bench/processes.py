"""What the kernel says of other processes: memory, processor time, children (Linux)."""

from __future__ import annotations

import resource
import time
from pathlib import Path

MIB = 2**20


def resident_mb(pid: int) -> float:
    """Memory that is in use at this moment; 0 of a process that is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * resource.getpagesize() / MIB


def processor_s(pid: int) -> float:
    """Processor time of all its threads since it began, to the nanosecond; 0 of a process that is gone."""
    try:
        return time.clock_gettime(_clock(pid))
    except OSError:
        return 0.0


def _clock(pid: int) -> int:
    """What the C library's clock_getcpuclockid gives."""
    return ~pid << 3 | 2


def children(pid: int) -> list[int]:
    """Processes that it started and that still run."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text(encoding="ascii").split()]
    except OSError:
        return found
    return found
