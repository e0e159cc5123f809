"""Which sizes of batch a GPU computes: a few, so that each can be captured as a graph once."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

BUCKETS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)  # a third of the rows is padding at most


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive rows of a batch that are computed together."""

    start: int
    rows: int
    bucket: int
    # rows computed, those that pad it too


def parts(batch: int) -> list[Part]:
    """Of a batch of any size: as many of the largest bucket as it fills, and one that takes the rest."""
    largest = BUCKETS[-1]
    whole, rest = divmod(batch, largest)
    cut = [Part(number * largest, largest, largest) for number in range(whole)]
    if rest:
        cut.append(Part(whole * largest, rest, BUCKETS[bisect_left(BUCKETS, rest)]))
    return cut
