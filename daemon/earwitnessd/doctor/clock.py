"""Whether the wall clock, by which events are dated, is kept right."""

from __future__ import annotations

import ctypes
import sys
from datetime import UTC, datetime

from earwitnessd.doctor.finding import Finding

UNSYNCHRONISED = 0x0040  # STA_UNSYNC of <sys/timex.h>
SANE_SINCE = datetime(
    2026, 1, 1, tzinfo=UTC
)  # a clock without a battery begins in 1970, or when the kernel was built


class _Timex(ctypes.Structure):
    """The beginning of struct timex."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def kernel_status() -> int | None:
    """The kernel's word on its clock; None where it cannot be had."""
    if sys.platform != "linux":
        return None
    timex = _Timex()
    answered = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex)) >= 0
    return timex.status if answered else None


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
