"""Whether the wall clock is kept right by somebody, as far as this machine tells."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

UNSYNCHRONISED = 0x0040  # STA_UNSYNC of <sys/timex.h>
KEPT_RIGHT = Path(
    "/run/systemd/timesync/synchronized"
)  # systemd-timesyncd's word, where the kernel's is denied


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


def synchronised() -> bool:
    """False where it is not known."""
    status = kernel_status()
    return KEPT_RIGHT.exists() if status is None else not status & UNSYNCHRONISED
