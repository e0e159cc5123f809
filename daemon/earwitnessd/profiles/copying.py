"""Copies a profile database without opening it: whoever owns it may be writing, and nothing of it changes."""

from __future__ import annotations

import shutil
from pathlib import Path

from earwitnessd.profiles.errors import StoreError

LOG = "-wal"  # SQLite's name for what is not yet folded into the file
TRIES = 10


def copy_profiles(original: Path, copy: Path) -> None:
    """Copy the file and its log, and again if they changed meanwhile; of no original, no copy."""
    if not original.exists():
        return
    for _ in range(TRIES):
        before = _state(original)
        try:
            for suffix in ("", LOG):
                target = Path(f"{copy}{suffix}")
                target.unlink(missing_ok=True)
                if Path(f"{original}{suffix}").exists():
                    target.touch(mode=0o600)
                    shutil.copyfile(f"{original}{suffix}", target)
        except FileNotFoundError:
            continue  # its owner has just folded the log
        except OSError as error:
            raise StoreError(f"profiles {original}: cannot be read: {error.strerror}") from error
        if _state(original) == before:
            return
    raise StoreError(f"profiles {original}: somebody keeps writing to it; try again")


def _state(original: Path) -> list[tuple[int, int] | None]:
    found: list[tuple[int, int] | None] = []
    for suffix in ("", LOG):
        try:
            stat = Path(f"{original}{suffix}").stat()
        except FileNotFoundError:
            found.append(None)
        except OSError as error:
            raise StoreError(f"profiles {original}: cannot be read: {error.strerror}") from error
        else:
            found.append((stat.st_mtime_ns, stat.st_size))
    return found
