"""What the main thread needs of whoever captures a stream: a process beside us, or a satellite far away."""

from __future__ import annotations

from typing import Protocol

from earwitnessd.capture.supervisor import CaptureStatus, Transition


class Capturing(Protocol):
    """One stream's source; nothing in it waits, and it takes the time from outside."""

    @property
    def status(self) -> CaptureStatus:
        """At this moment."""
        ...

    @property
    def stream_id(self) -> str:
        """Of the opening that is, or was last."""
        ...

    @property
    def openings(self) -> int:
        """So far, those of predecessors included."""
        ...

    @property
    def running(self) -> bool:
        """Something must still end before the daemon may."""
        ...

    def filenos(self) -> list[int]:
        """Poll these for reading."""
        ...

    def due_in_s(self, now_s: float) -> float:
        """Call `tick` after this many seconds at the latest."""
        ...

    def start(self, now_s: float) -> None:
        """Listen."""
        ...

    def resume(self, now_s: float) -> None:
        """After `pause`."""
        ...

    def pause(self, now_s: float) -> None:
        """Let go of the device."""
        ...

    def reopen(self, now_s: float, reason: str) -> None:
        """Begin anew, where there is something to end."""
        ...

    def tell_speech(self, stream_id: str, *, speaking: bool) -> None:
        """Somebody began to speak on this opening, or stopped."""
        ...

    def stop(self, now_s: float) -> None:
        """For good."""
        ...

    def close(self) -> None:
        """What still runs is ended."""
        ...

    def tick(self, now_s: float) -> list[Transition]:
        """Do what is due; the states entered since the last tick."""
        ...
