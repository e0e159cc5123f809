"""For how long a follower compares with people of whom it hears nothing: some may long be deleted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

BESIDE = ".agreed"
# behind the database's name: a file whose time tells when the writer's people and ours were last the same
NOTED_EVERY_S = 60.0


class Trust:
    """Owned by the following thread. Time counts while the daemon is not running, too."""

    def __init__(
        self,
        database: Path,
        after_s: float | None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._file = database.with_name(database.name + BESIDE)
        self._after_s = after_s
        self._clock = clock
        self._noted_s: float | None = None
        # when the file was written
        self._agreed_s = clock() - self._age_s(wall())
        # by the clock: when they were last the same

    @property
    def ends_s(self) -> float | None:
        """By the clock; None: it never does."""
        return None if self._after_s is None else self._agreed_s + self._after_s

    @property
    def days(self) -> float:
        """Since they were last the same."""
        return (self._clock() - self._agreed_s) / 86_400

    @property
    def over(self) -> bool:
        """They have not been the same for too long."""
        return self.ends_s is not None and self._clock() >= self.ends_s

    def agreed(self) -> None:
        """They are the same now."""
        self._agreed_s = self._clock()
        if self._noted_s is None or self._clock() >= self._noted_s + NOTED_EVERY_S:
            self._note()

    def _age_s(self, wall_s: float) -> float:
        """A clock that was set back makes nobody older; where nothing was noted, it begins now."""
        try:
            return max(0.0, wall_s - self._file.stat().st_mtime)
        except OSError:
            self._note()
            return 0.0

    def _note(self) -> None:
        self._noted_s = self._clock()
        with suppress(OSError):  # a full disk: counted from the last time that could be noted
            os.close(os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600))
            os.utime(self._file)
