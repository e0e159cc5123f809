"""Templates in blocks of people, so that a crowd can be compared with at once and changed one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earwitnessd.calibration import Calibrator, RowStatistics

Vector = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]

BLOCK_ROWS = 2048  # templates: so few are compared with in one go; a change moves so many


@dataclass(frozen=True, eq=False, slots=True)
class Exemplars:
    """One person's templates."""

    name: str
    vectors: Vector
    # (exemplars, dimension), unit length
    speech_s: tuple[float, ...] = ()
    # net speech of each; empty where there is no calibration


@dataclass(frozen=True, eq=False, slots=True)
class Block:
    """The templates of some people, by name."""

    names: tuple[str, ...]
    # at least one
    first_rows: Rows
    # where each person's templates begin
    vectors: Vector
    # (exemplars, dimension), unit length
    speech_s: tuple[float, ...]
    rows: RowStatistics | None
    # None: there is no calibration

    @classmethod
    def of(cls, people: Sequence[Exemplars], calibrator: Calibrator | None) -> Block:
        """Of people sorted by name."""
        counts = np.array([len(person.vectors) for person in people])
        vectors = np.concatenate([person.vectors for person in people])
        return cls(
            tuple(person.name for person in people),
            (np.cumsum(counts) - counts).astype(np.intp),
            vectors,
            tuple(speech_s for person in people for speech_s in person.speech_s),
            calibrator.rows(vectors) if calibrator else None,
        )

    def vectors_of(self, person: int) -> Vector:
        """One person's, by their place in the block."""
        stop = None if person + 1 == len(self.names) else self.first_rows[person + 1]
        vectors: Vector = self.vectors[self.first_rows[person] : stop]
        return vectors

    def people(self) -> list[Exemplars]:
        """What it was made of."""
        stops = [*self.first_rows[1:].tolist(), len(self.vectors)]
        return [
            Exemplars(name, self.vectors[start:stop], self.speech_s[start:stop])
            for name, start, stop in zip(self.names, self.first_rows.tolist(), stops, strict=True)
        ]


def blocks_of(
    people: Iterable[Exemplars], calibrator: Calibrator | None, most_rows: int = BLOCK_ROWS
) -> tuple[Block, ...]:
    """Nobody's templates are torn apart."""
    blocks: list[Block] = []
    begun: list[Exemplars] = []
    rows = 0
    for person in people:
        if begun and rows + len(person.vectors) > most_rows:
            blocks.append(Block.of(begun, calibrator))
            begun, rows = [], 0
        begun.append(person)
        rows += len(person.vectors)
    if begun:
        blocks.append(Block.of(begun, calibrator))
    return tuple(blocks)


def changed(block: Block | None, person: Exemplars, calibrator: Calibrator | None) -> tuple[Block, ...]:
    """The same with this person's templates in place of any they had; one without templates is left out.

    A block grows to twice its size before it is split, or each newcomer would split it.
    """
    others = [each for each in block.people() if each.name != person.name] if block else []
    people = sorted([*others, *([person] if len(person.vectors) else [])], key=lambda each: each.name)
    rows = sum(len(each.vectors) for each in people)
    return blocks_of(people, calibrator, 2 * BLOCK_ROWS if rows <= 2 * BLOCK_ROWS else BLOCK_ROWS)
