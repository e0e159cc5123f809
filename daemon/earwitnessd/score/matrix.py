"""Compares embeddings with every enrolled person."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from earwitnessd.calibration import Calibrator
from earwitnessd.calibration.calibrator import Side, Sides, length_terms
from earwitnessd.channel import Channel
from earwitnessd.score.blocks import Block, Exemplars, blocks_of, changed
from earwitnessd.score.likeness import FEW, NOBODY, Cosines, Floats, Rows, Scores, place_of

Vector = npt.NDArray[np.float32]
F = TypeVar("F", bound=np.floating)


class Heard(msgspec.Struct, frozen=True):
    """What a calibration wants to know of a window besides its embedding."""

    speech_s: float
    snr_db: float | None


@dataclass(frozen=True, eq=False)
class ProfileMatrix:
    """All exemplars of the model in use, sorted by person."""

    names: tuple[str, ...]
    # one a person
    blocks: tuple[Block, ...]
    calibrator: Calibrator | None = None
    channels: Mapping[str, frozenset[Channel]] = field(default_factory=dict)
    # the kinds that each person's exemplars came through, where it is known of all of them
    columns: Columns | None = None
    # None: nobody is enrolled

    @classmethod
    def build(
        cls,
        exemplars: Sequence[tuple[str, Vector]],
        calibrator: Calibrator | None = None,
        speech_s: Sequence[float] = (),
    ) -> ProfileMatrix:
        """From (person, unit vector) pairs in any order; a calibration wants each exemplar's net speech."""
        order = sorted(range(len(exemplars)), key=lambda index: exemplars[index][0])
        people = [
            Exemplars(
                name,
                np.array([exemplars[index][1] for index in own], dtype=np.float32),
                tuple(speech_s[index] for index in own) if calibrator else (),
            )
            for name, group in groupby(order, key=lambda index: exemplars[index][0])
            if (own := list(group))
        ]
        return cls.of(people, calibrator)

    @classmethod
    def of(
        cls,
        people: Iterable[Exemplars],
        calibrator: Calibrator | None,
        channels: Mapping[str, frozenset[Channel]] | None = None,
    ) -> ProfileMatrix:
        """From people sorted by name."""
        return replace(cls._of(blocks_of(people, calibrator), calibrator), channels=channels or {})

    def changed(self, person: Exemplars, channels: frozenset[Channel] | None) -> ProfileMatrix:
        """The same with this person's exemplars in place of any they had; none: without them."""
        place = max(0, bisect_right(self.blocks, person.name, key=lambda block: block.names[0]) - 1)
        old = self.blocks[place : place + 1]
        new = changed(old[0] if old else None, person, self.calibrator)
        blocks = (*self.blocks[:place], *new, *self.blocks[place + 1 :])
        known = {name: kinds for name, kinds in self.channels.items() if name != person.name}
        if channels is not None:
            known[person.name] = channels
        return replace(self._of(blocks, self.calibrator), channels=known)

    def row(self, name: str) -> int | None:
        """Where a person stands among the names; None: nobody is called so."""
        return place_of(self.names, name)

    @property
    def vectors(self) -> Vector:
        """(exemplars, dimension): all of them, put together anew."""
        return np.concatenate([block.vectors for block in self.blocks]) if self.blocks else _NOTHING

    def scores(self, embedding: Vector) -> Scores:
        """Everybody by cosine, the most alike first; a person scores as their nearest exemplar."""
        if self.columns is None:
            return NOBODY
        products = _products([block.vectors for block in self.blocks], embedding)
        return Scores(self.names, Cosines.known(_nearest(products, self.columns.first_rows)))

    def evidence(self, embedding: Vector, heard: Heard) -> Scores:
        """Everybody with log-likelihood ratios, the most alike first; without a calibration as `scores`."""
        if self.calibrator is None or self.columns is None:
            return self.scores(embedding)
        columns, calibrator = self.columns, self.calibrator
        window = calibrator.placed(embedding)
        centred = [block.rows.centred for block in self.blocks if block.rows]
        products = _products(centred, window.apart)
        if columns.few:
            cosines = [product * window.scale for product in products.tolist()]
            return self._of_few(columns.few, cosines, window.side, embedding, heard)
        products *= np.float32(window.scale)
        by_row = calibrator.compared(products, columns.sides, window.side)
        llrs = calibrator.mapped(by_row, columns.lengths, heard.speech_s, heard.snr_db)
        return Scores(
            self.names,
            self._cosines(embedding),
            columns.largest(by_row),
            columns.largest(llrs),
        )

    def _of_few(
        self, rows: Few, centred: list[float], window: Side, embedding: Vector, heard: Heard
    ) -> Scores:
        """The same arithmetic, one template after the other."""
        assert self.calibrator is not None
        scores = [self.calibrator.score(*each, window) for each in zip(centred, rows.sides, strict=True)]
        llrs = self.calibrator.each_mapped(scores, rows.lengths, heard.speech_s, heard.snr_db)
        cosines = _products([block.vectors for block in self.blocks], embedding).tolist()
        return Scores(
            self.names,
            Cosines.few([min(1.0, max(-1.0, cosine)) for cosine in rows.largest(cosines)]),
            np.array(rows.largest(scores)),
            np.array(rows.largest(llrs)),
        )

    def _cosines(self, embedding: Vector) -> Cosines:
        """Of one block at once; of a crowd only those that are asked for: their templates are read for it."""
        assert self.columns is not None
        first_rows, first_people = self.columns.first_rows, self.columns.first_people

        def everybody() -> Vector:
            return _nearest(_products([block.vectors for block in self.blocks], embedding), first_rows)

        def of(row: int) -> float:
            place = bisect_right(first_people, row) - 1
            own = self.blocks[place].vectors_of(row - first_people[place])
            return min(1.0, max(-1.0, float((own @ embedding).max())))

        return Cosines(of, everybody) if len(self.blocks) > 1 else Cosines.known(everybody())

    @classmethod
    def _of(cls, blocks: tuple[Block, ...], calibrator: Calibrator | None) -> ProfileMatrix:
        names = tuple(name for block in blocks for name in block.names)
        return cls(names, blocks, calibrator, columns=Columns.of(blocks) if blocks else None)


@dataclass(frozen=True, eq=False, slots=True)
class Few:
    """The same as `Columns` where there are few rows: plain numbers."""

    sides: list[Side]
    lengths: list[float]
    people: list[slice]
    # the rows of each

    def largest(self, values: list[float]) -> list[float]:
        """Of each person, where there is one a row."""
        return [max(values[rows]) for rows in self.people]


@dataclass(frozen=True, eq=False, slots=True)
class Columns:
    """What lies beside the blocks: one value a row, in one piece."""

    first_rows: Rows
    # where each person's exemplars begin
    first_people: list[int]
    # where each block's people begin
    sides: Sides
    # this and the next: empty where there is no calibration
    lengths: Floats
    # as the calibration sees the net speech of each exemplar
    few: Few | None
    # None: there is a crowd, or no calibration

    def largest(self, values: npt.NDArray[F]) -> npt.NDArray[F]:
        """Of each person, where there is one a row."""
        if len(values) == len(self.first_rows):
            return values
        found: npt.NDArray[F] = np.maximum.reduceat(values, self.first_rows)
        return found

    @classmethod
    def of(cls, blocks: Sequence[Block]) -> Columns:
        """Of at least one block."""
        rows = np.cumsum([0, *(len(block.vectors) for block in blocks)])
        statistics = [block.rows.sides for block in blocks if block.rows]
        sides = Sides.joined(statistics) if statistics else _NO_SIDES
        lengths = length_terms([speech_s for block in blocks for speech_s in block.speech_s])
        firsts = np.concatenate(
            [block.first_rows + start for block, start in zip(blocks, rows, strict=False)]
        )
        return cls(
            firsts,
            np.cumsum([0, *(len(block.names) for block in blocks[:-1])]).tolist(),
            sides,
            lengths,
            _few(firsts, sides, lengths) if 0 < len(lengths) <= FEW else None,
        )


def _few(first_rows: Rows, sides: Sides, lengths: Floats) -> Few:
    stops = [*first_rows[1:].tolist(), len(lengths)]
    people = [slice(first, stop) for first, stop in zip(first_rows.tolist(), stops, strict=True)]
    return Few(sides.each(), lengths.tolist(), people)


_NOTHING: Vector = np.empty(0, dtype=np.float32)
_NO_SIDES = Sides(_NOTHING, _NOTHING, _NOTHING)


def _products(blocks: Sequence[Vector], vector: Vector) -> Vector:
    """With each row."""
    products: Vector = np.empty(sum(map(len, blocks)), dtype=np.float32)
    start = 0
    for block in blocks:
        np.dot(block, vector, out=products[start : start + len(block)])
        start += len(block)
    return products


def _nearest(products: Vector, first_rows: Rows) -> Vector:
    """Each person's, of the products of their exemplars; rounding may lead beyond what a cosine can be."""
    within = np.maximum(np.minimum(products, 1.0), -1.0)
    cosines: Vector = np.maximum.reduceat(within, first_rows)
    return cosines
