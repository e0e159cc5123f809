"""Messages of a capture process in one stream of bytes: each says first how long it is."""

from __future__ import annotations

import struct
from collections.abc import Sequence

LENGTHS = struct.Struct("=II")
# of the samples and of what is said of them, which follow in this order: so the samples lie where numbers may
LONGEST_BYTES = 1 << 24
# a longer message is none of ours


class GarbledError(ValueError):
    """These bytes are no messages."""


def framed(frames: Sequence[bytes]) -> list[bytes]:
    """The parts of a message as they are sent: one frame, or a second with samples."""
    first, *rest = frames
    samples = b"".join(rest) if rest else b""
    return [LENGTHS.pack(len(samples), len(first)), samples, first]


def lengths(prefix: bytes) -> tuple[int, int]:
    """Undo the first part; GarbledError for what `framed` did not make."""
    samples, first = LENGTHS.unpack(prefix)
    if not 0 < samples + first <= LONGEST_BYTES:
        raise GarbledError(
            f"a message of {samples + first} bytes is announced, expected 1 to {LONGEST_BYTES}"
        )
    return samples, first
