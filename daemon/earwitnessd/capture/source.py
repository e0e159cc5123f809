"""The seam between the capture loop and the places audio comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from earwitnessd.capture.messages import LossReason
from earwitnessd.ring import Frames


class SourceEndedError(Exception):
    """No more audio will come; `final` says that trying again is pointless, `failed` that it is an error."""

    def __init__(self, reason: str, *, final: bool, failed: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final
        self.failed = failed


@dataclass(frozen=True)
class Origin:
    """What was opened."""

    description: str
    rate: int
    # Hz, native
    channels: int
    # native
    paced: bool
    # True: it delivers in real time, whether we take it or not
    duration_s: float | None = None


@dataclass(frozen=True, eq=False)
class Chunk:
    """Frames in the order they happened, shape (n, channels)."""

    position: int
    # of the first frame, in native frames since the opening; lost frames count too
    frames: Frames
    lost: LossReason | None = None
    # why the frames between the end of the chunk before and `position` never came


@dataclass(frozen=True)
class Health:
    """Counters of this opening."""

    overflows: int = 0
    stalls: int = 0
    clock_lag_s: float = 0.0


class AudioSource(Protocol):
    """Used by the capture process's main thread only."""

    def open(self) -> Origin:
        """Start; `SourceEndedError` when that is impossible."""
        ...

    def fileno(self) -> int | None:
        """A descriptor that is readable when `read` has something, or None where only time tells."""
        ...

    def due_in_s(self, now_ns: int, wanted: int) -> float:
        """Call `read` after this many seconds at the latest, readable or not; so many frames are worth it."""
        ...

    def read(self, now_ns: int) -> Chunk | None:
        """The next frames if there are any, never waiting; `SourceEndedError` when no more will come."""
        ...

    def health(self, now_ns: int) -> Health:
        """What to tell the daemon once a second."""
        ...
