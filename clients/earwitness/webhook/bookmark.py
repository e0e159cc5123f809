"""The file that remembers which event was last dealt with, over restarts of the webhook."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from .outbox import Mark


def default_file(url: str) -> Path:
    """One for each URL, where a service or a user keeps its state."""
    if under_systemd := os.environ.get("STATE_DIRECTORY"):
        directory = Path(under_systemd.split(":")[0])
    else:
        home = os.environ.get("XDG_STATE_HOME")
        directory = (Path(home) if home else Path.home() / ".local" / "state") / "earwitness"
    return directory / f"webhook-{hashlib.sha256(url.encode()).hexdigest()[:12]}.json"


class Bookmark:
    """Locked while open: two webhooks with one mark would lose events."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.trouble = ""
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = file.with_name(f"{file.name}.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise ValueError(f"another webhook runs with {file}; give this one another --state") from None
        self.mark = self._load()

    def save(self, mark: Mark) -> None:
        """Replace the file as a whole; a mark that goes back in the same boot is an older event's."""
        if self.mark is not None and mark.boot == self.mark.boot and mark.seq <= self.mark.seq:
            return
        self.mark = mark
        new = self.file.with_name(f"{self.file.name}.new")
        new.write_bytes(msgspec.json.encode(mark) + b"\n")
        new.replace(self.file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.close()

    def _load(self) -> Mark | None:
        try:
            return msgspec.json.decode(self.file.read_bytes(), type=Mark)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:
            self.trouble = f"{self.file} cannot be read; beginning anew"
            return None
