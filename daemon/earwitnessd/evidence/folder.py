"""The folder of evidence: for its owner's eyes, no half files, nothing older or more than asked for."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from pathlib import Path

from earwitnessd.disk import write_through
from earwitnessd.evidence.record import AUDIO, NAME, SIDECAR, Record

DAY_S = 86_400
PART = ".part"


class EvidenceError(Exception):
    """The folder cannot be used: says why and what to do."""


class EvidenceFolder:
    """Used by the thread that writes; opened before it, by main."""

    def __init__(self, directory: Path, retention_days: float, max_files: int) -> None:
        self.directory = directory
        self._retention_s = retention_days * DAY_S
        self._max_files = max_files
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(directory, os.O_RDONLY)
        except OSError as error:
            raise EvidenceError(f"evidence.directory = {str(directory)!r}: {error.strerror}") from error
        try:
            self._claim()
            for part in directory.glob(f".*{PART}"):
                part.unlink()  # of a daemon that was killed while it wrote
        except EvidenceError:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise EvidenceError(f"evidence.directory = {str(directory)!r}: {error.strerror}") from error

    def close(self) -> None:
        """Leave it to another daemon."""
        os.close(self._descriptor)

    def _claim(self) -> None:
        """Ours alone, while we run, and for nobody else to look into."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EvidenceError(
                f"evidence.directory = {str(self.directory)!r}: another earwitnessd keeps its evidence "
                "there; name another"
            ) from None
        mode = stat.S_IMODE(os.fstat(self._descriptor).st_mode)
        if mode & 0o077:
            raise EvidenceError(
                f"evidence.directory = {str(self.directory)!r}: others may look into it (mode {mode:o}), "
                "and it is to hold voices; chmod 700 it, or name another"
            )

    def write(self, record: Record) -> Path:
        """Both files, or neither; OSError if there is no room. They are on disk when this returns."""
        audio = record.audio()
        contents = {record.name + AUDIO: audio, record.name + SIDECAR: record.sidecar(audio)}
        try:
            for name, content in contents.items():
                _write(self._part(name), content)
            for name in contents:
                self._part(name).replace(self.directory / name)
            os.fsync(self._descriptor)
        finally:
            for name in contents:
                self._part(name).unlink(missing_ok=True)
        return self.directory / (record.name + AUDIO)

    def newest_s(self) -> float:
        """Unix time of the latest that is kept; 0: nothing."""
        return max(self._found().values(), default=0.0)

    def sweep(self, now_s: float) -> int:
        """Delete what is too old or too much, the oldest first; how many verdicts that were."""
        found = self._found()
        oldest_first = sorted(found, key=lambda name: found[name])
        old = [name for name in oldest_first if found[name] < now_s - self._retention_s]
        gone = {*old, *oldest_first[: max(0, len(oldest_first) - self._max_files)]}
        for name in gone:
            for suffix in (SIDECAR, AUDIO):
                (self.directory / (name + suffix)).unlink(missing_ok=True)
        return len(gone)

    def _found(self) -> dict[str, float]:
        """The verdicts that lie here, and when they were written."""
        found: dict[str, float] = {}
        with os.scandir(self.directory) as entries:
            for entry in entries:
                name, _, suffix = entry.name.rpartition(".")
                if suffix in {"flac", "json"} and NAME.fullmatch(name):
                    with contextlib.suppress(FileNotFoundError):
                        found[name] = max(found.get(name, 0.0), entry.stat().st_mtime)
        return found

    def _part(self, name: str) -> Path:
        return self.directory / f".{name}{PART}"


def _write(file: Path, content: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        write_through(descriptor, content)
    finally:
        os.close(descriptor)
