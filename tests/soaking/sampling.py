"""What a process and its children hold at a moment, by the kernel's word."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.daemon.harness import children_of

PAGE_MB = 4096 / 2**20


@dataclass(frozen=True, slots=True)
class Sample:
    """Of the daemon, a second."""

    at_s: float
    # since the soak began
    rss_mb: float
    # main process
    own_mb: float
    # of that, what is in no file
    children_rss_mb: float
    # all capture processes
    descriptors: int
    threads: int
    children: int


class _Resident(NamedTuple):
    rss_mb: float
    own_mb: float


def sample(pid: int, at_s: float) -> Sample:
    """Now; of children that end meanwhile, nothing."""
    children = children_of(pid)
    resident = _resident(pid)
    process = Path(f"/proc/{pid}")
    return Sample(
        at_s=at_s,
        rss_mb=resident.rss_mb,
        own_mb=resident.own_mb,
        children_rss_mb=sum(_resident(child).rss_mb for child in children),
        descriptors=len(list((process / "fd").iterdir())),
        threads=len(list((process / "task").iterdir())),
        children=len(children),
    )


def _resident(pid: int) -> _Resident:
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    except (FileNotFoundError, ProcessLookupError):
        return _Resident(0.0, 0.0)
    resident, in_files = int(pages[1]), int(pages[2])
    return _Resident(resident * PAGE_MB, (resident - in_files) * PAGE_MB)
