"""A file system of its own, to be filled and to be made read-only."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

import pytest

SIZE_KB = 1024


def why_not() -> str:
    """What is missing here, for `pytest.mark.skipif`; mounting may still be forbidden."""
    if os.getuid() != 0 or shutil.which("mount") is None:
        return "needs root, to mount a small file system"
    return ""


class SmallDisk:
    """A tmpfs. `OSError` where mounting is forbidden."""

    def __init__(self, folder: Path, size_kb: int = SIZE_KB) -> None:
        self.folder = folder / "disk"
        self._size_kb = size_kb
        self.folder.mkdir()
        self._ballast = self.folder / "ballast"

    def __enter__(self) -> SmallDisk:
        self._mount("-t", "tmpfs", "-o", f"size={self._size_kb}k,mode=700", "tmpfs")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False, capture_output=True)

    def fill(self, but_kb: int = 0) -> None:
        """To the last byte, or so far that a little is left."""
        if but_kb:
            self._ballast.write_bytes(b"\0" * (self._size_kb - but_kb) * 1024)
            return
        with self._ballast.open("ab", buffering=0) as file:
            for size in (4096, 1):
                try:
                    while file.write(b"\0" * size) == size:
                        pass
                except OSError:
                    continue

    def empty(self) -> None:
        """There is room again."""
        self._ballast.unlink()

    def make_read_only(self) -> None:
        """Only while no file is open for writing."""
        self._mount("-o", "remount,ro")

    def make_writable(self) -> None:
        """The operator has seen to it."""
        self._mount("-o", "remount,rw")

    def _mount(self, *options: str) -> None:
        done = subprocess.run(
            ["mount", *options, str(self.folder)], check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise OSError(done.stderr.strip())


@contextmanager
def mounted(folder: Path, size_kb: int = SIZE_KB) -> Iterator[SmallDisk]:
    """For a fixture; the test is skipped where nothing can be mounted."""
    if reason := why_not():
        pytest.skip(reason)
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(SmallDisk(folder, size_kb))
        except OSError as error:
            pytest.skip(f"cannot mount: {error}")
        yield disk
