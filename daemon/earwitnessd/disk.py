"""Writes bytes that lie on the disk when the call returns."""

from __future__ import annotations

import os


def write_through(descriptor: int, content: bytes) -> None:
    """All of it; OSError if there is no room, and then a part may be there."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)
