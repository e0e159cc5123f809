"""Whether the wall clock, by which events are dated, is kept right."""

from __future__ import annotations

from datetime import UTC, datetime

from earwitnessd.doctor.finding import Finding
from earwitnessd.kernel_clock import UNSYNCHRONISED

SANE_SINCE = datetime(
    2026, 1, 1, tzinfo=UTC
)  # a clock without a battery begins in 1970, or when the kernel was built


def clock(now: datetime, status: int | None) -> Finding:
    """Events are dated by it, durations are not."""
    if now < SANE_SINCE:
        return Finding(
            "clock",
            "wrong",
            f"it says {now:%Y-%m-%d}",
            "set it: timedatectl set-ntp true (needs systemd-timesyncd)",
        )
    if status is None:
        return Finding("clock", "note", "whether it is synchronised is not known")
    if status & UNSYNCHRONISED:
        return Finding(
            "clock",
            "note",
            "it is not synchronised: the times of events drift",
            "timedatectl set-ntp true, or run chrony",
        )
    return Finding("clock", "ok", "synchronised")
