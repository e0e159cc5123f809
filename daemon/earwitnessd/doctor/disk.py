"""Whether there is room where profiles, keys and evidence are kept, and whether it can be written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from earwitnessd.doctor.finding import Finding

NEEDED_MB = 50
COMFORTABLE_MB = 500


def disk(directory: Path) -> Finding:
    """Of the file system that holds the directory, or will."""
    there = directory
    while not there.exists():
        there = there.parent
    try:
        free_mb = shutil.disk_usage(there).free / 1e6
        read_only = bool(os.statvfs(there).f_flag & os.ST_RDONLY)
    except OSError as error:
        return Finding("disk", "wrong", f"{there}: {error.strerror}", "look at the file system")
    return judged(directory, free_mb, read_only=read_only)


def judged(directory: Path, free_mb: float, *, read_only: bool) -> Finding:
    """What so much room means."""
    if read_only:
        return Finding(
            "disk",
            "wrong",
            f"{directory} is on a file system that is read-only: nobody can be enrolled",
            "look for its errors in dmesg; mount -o remount,rw",
        )
    says = f"{free_mb / 1000:.1f} GB free for {directory}"
    if free_mb < NEEDED_MB:
        return Finding("disk", "wrong", says, "make room: enrolling fails when the disk is full")
    if free_mb < COMFORTABLE_MB:
        return Finding("disk", "note", says, "make room before it is full")
    return Finding("disk", "ok", says)
