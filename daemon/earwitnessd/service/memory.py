"""How much memory this process has."""

from __future__ import annotations

import resource
from pathlib import Path


def resident_mb() -> float:
    """At this moment; where the kernel does not say that, the most it ever had."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return pages * resource.getpagesize() / 2**20
