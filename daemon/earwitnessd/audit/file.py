"""The file of the audit log: its owner's only, whole lines, a new one when it is full."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from earwitnessd.disk import write_through


class AuditFile:
    """Owned by the thread that writes."""

    def __init__(self, file: Path, most_bytes: int, old_files: int) -> None:
        self.file = file
        self._most_bytes = most_bytes
        self._old_files = old_files
        self._descriptor: int | None = None

    def append(self, lines: bytes) -> None:
        """On disk when this returns; OSError if there is no room, and then no part of a line remains."""
        descriptor = self._open()
        size = os.fstat(descriptor).st_size
        if size and size + len(lines) > self._most_bytes:
            self._rotate()
            descriptor, size = self._open(), 0
        try:
            write_through(descriptor, lines)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, size)
            raise

    def close(self) -> None:
        """It is opened again by the next `append`."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        """Again if somebody moved it away, as logrotate does."""
        if self._descriptor is not None and not self._is_in_place(self._descriptor):
            self.close()
        if self._descriptor is None:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self._descriptor = os.open(self.file, flags, 0o600)
            os.fchmod(self._descriptor, 0o600)
            self._end_torn_line(self._descriptor)
        return self._descriptor

    def _is_in_place(self, descriptor: int) -> bool:
        try:
            there, ours = self.file.stat(follow_symlinks=False), os.fstat(descriptor)
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def _end_torn_line(self, descriptor: int) -> None:
        """A power cut may have left half a line: what comes next stands on its own."""
        size = os.fstat(descriptor).st_size
        if size:
            with self.file.open("rb") as content:
                content.seek(size - 1)
                torn = content.read(1) != b"\n"
            if torn:
                os.write(descriptor, b"\n")

    def _rotate(self) -> None:
        """audit.jsonl becomes audit.jsonl.1, that one .2, and the last goes."""
        self.close()
        for number in range(self._old_files, 0, -1):
            newer = self.file if number == 1 else self._old(number - 1)
            if newer.exists():
                newer.replace(self._old(number))

    def _old(self, number: int) -> Path:
        return Path(f"{self.file}.{number}")
