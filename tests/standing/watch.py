"""A process that does next to nothing, every 20 ms: when even that comes late, the machine stood still."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

TICK_S = 0.02
LATE_S = 0.1  # eight busy processes on two cores make it 0.013 s late


def watch(path: Path, parent: int) -> None:
    """Write down each time that it was late, until its parent is gone, which it may be already."""
    last = time.monotonic()
    with path.open("ab", buffering=0) as late, path.with_suffix(".tick").open("wb", buffering=0) as tick:
        while os.getppid() == parent:
            time.sleep(TICK_S)
            tick.write(b".")  # the disk may stand still, too
            tick.seek(0)
            now = time.monotonic()
            if now - last - TICK_S >= LATE_S:
                late.write(f"{now:.3f} {now - last - TICK_S:.3f}\n".encode())
            last = now


if __name__ == "__main__":
    watch(Path(sys.argv[1]), int(sys.argv[2]))
