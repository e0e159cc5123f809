"""What a process and its children hold at a moment, by the kernel's word."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.daemon.harness import children_of

PAGE_MB = 4096 / 2**20


@dataclass(frozen=True, slots=True)
class Sample:
    """Of the daemon, a second."""

    at_s: float
    # since the soak began
    rss_mb: float
    # main process
    children_rss_mb: float
    # all capture processes
    descriptors: int
    threads: int
    children: int


def sample(pid: int, at_s: float) -> Sample:
    """Now; of children that end meanwhile, nothing."""
    children = children_of(pid)
    process = Path(f"/proc/{pid}")
    return Sample(
        at_s=at_s,
        rss_mb=_rss_mb(pid),
        children_rss_mb=sum(_rss_mb(child) for child in children),
        descriptors=len(list((process / "fd").iterdir())),
        threads=len(list((process / "task").iterdir())),
        children=len(children),
    )


def _rss_mb(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE_MB
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
