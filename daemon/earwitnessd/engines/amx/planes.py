"""Numbers as sums of bfloat16 parts, laid out as the tiles take them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

BLOCK = 32  # rows, columns, and numbers of a row of a tile
LONGEST_STEP = 16  # rows from one row of a product to the next
_BEHIND = BLOCK * LONGEST_STEP * BLOCK  # numbers that a block of rows may read behind the last one


@dataclass(frozen=True, eq=False, slots=True)
class Planes:
    """(parts, items, blocks of columns, rows, 32): of all items and rows, 32 columns at a time."""

    memory: Tensor
    items: int
    rows: int
    # of each item
    columns: int

    @classmethod
    def empty(cls, parts: int, items: int, rows: int, columns: int) -> Planes:
        """Room for them."""
        numbers = items * blocks(columns) * rows * BLOCK + _BEHIND
        return cls(torch.empty(parts, numbers, dtype=torch.bfloat16), items, rows, columns)

    @property
    def parts(self) -> int:
        """What each number is the sum of."""
        return self.memory.shape[0]

    @property
    def part_stride(self) -> int:
        """Numbers from the first parts to the second ones."""
        return self.memory.stride(0)

    @property
    def column_stride(self) -> int:
        """Numbers from 32 columns to the next."""
        return self.rows * BLOCK

    @property
    def item_stride(self) -> int:
        """Numbers from one item to the next."""
        return blocks(self.columns) * self.column_stride


def blocks(count: int) -> int:
    """How many blocks so many rows or columns fill."""
    return -(-count // BLOCK)
