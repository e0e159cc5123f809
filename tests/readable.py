"""Waits for a descriptor, as a main loop does."""

from __future__ import annotations

import select
from typing import Protocol


class Descriptor(Protocol):
    def fileno(self) -> int: ...


def readable(what: Descriptor, within_s: float) -> bool:
    poll = select.poll()
    poll.register(what.fileno(), select.POLLIN)
    return bool(poll.poll(1000 * within_s))
