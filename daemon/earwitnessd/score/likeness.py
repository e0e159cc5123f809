"""Everybody's likeness to one window, as columns in the order of their names; the most alike come first."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import overload

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Reals = npt.NDArray[np.floating]
Rows = npt.NDArray[np.intp]

STRETCH = 256  # rows whose largest is looked at first
FEW = 32  # so many rows are plain numbers: each of numpy's operations has to be fetched from memory first
LEAST_RANKED = 32  # as many as anybody asks for: ranking so many takes as long as ranking two


class Score(msgspec.Struct, frozen=True):
    """One person's likeness to one window."""

    speaker: str
    cosine: float
    normalised: float | None = None
    # by the cohort; None: there is no calibration
    llr: float | None = None
    # nats; None: there is no calibration


class Cosines(msgspec.Struct, frozen=True, eq=False):
    """To everybody; in a crowd they are worked out when they are asked for, and of those only."""

    of: Callable[[int], float]
    # a row
    everybody: Callable[[], Reals]

    @classmethod
    def known(cls, cosines: Reals) -> Cosines:
        """Worked out already."""
        return cls(lambda row: float(cosines[row]), lambda: cosines)

    @classmethod
    def few(cls, cosines: list[float]) -> Cosines:
        """The same."""
        return cls(cosines.__getitem__, lambda: np.array(cosines))


class Scores(Sequence[Score]):
    """Owned by the engine thread. Ranked by evidence where there is any, else by cosine; ties by name."""

    def __init__(
        self,
        names: tuple[str, ...],
        cosines: Cosines,
        normalised: Reals | None = None,
        llrs: Floats | None = None,
    ) -> None:
        self.names = names
        # sorted; one a row
        self.llrs = llrs
        # nats; None: there is no calibration
        self._cosines = cosines
        self._normalised = normalised
        self._ranked: Rows = np.empty(0, dtype=np.intp)
        # the first rows, as many as were asked for

    @classmethod
    def listed(cls, ranked: Sequence[Score]) -> Scores:
        """Of people who are ranked already."""
        rows = sorted(range(len(ranked)), key=lambda index: ranked[index].speaker)
        by_name = [ranked[index] for index in rows]
        calibrated = bool(ranked) and ranked[0].llr is not None
        scores = cls(
            tuple(score.speaker for score in by_name),
            Cosines.known(np.array([score.cosine for score in by_name])),
            np.array([score.normalised for score in by_name], dtype=np.float64) if calibrated else None,
            np.array([score.llr for score in by_name], dtype=np.float64) if calibrated else None,
        )
        scores._ranked = np.argsort(np.array(rows, dtype=np.intp), kind="stable")
        return scores

    def __len__(self) -> int:
        """How many people."""
        return len(self.names)

    def __iter__(self) -> Iterator[Score]:
        """The most alike first."""
        return iter(self.first(len(self)))

    @overload
    def __getitem__(self, place: int) -> Score: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Score, ...]: ...
    def __getitem__(self, place: int | slice) -> Score | tuple[Score, ...]:
        """By rank."""
        if isinstance(place, slice):
            return self.first(len(self))[place]
        place = range(len(self))[place]
        return self.at(int(self._rank(place + 1)[place]))

    def row(self, name: str) -> int | None:
        """Where a person stands in the columns; None: they were not compared."""
        return place_of(self.names, name)

    def at(self, row: int) -> Score:
        """One person's, by row."""
        return Score(
            self.names[row],
            self._cosines.of(row),
            None if self._normalised is None else float(self._normalised[row]),
            None if self.llrs is None else float(self.llrs[row]),
        )

    def first(self, count: int) -> tuple[Score, ...]:
        """So many of the most alike."""
        return tuple(self.at(row) for row in self._rank(count)[:count].tolist())

    def foremost(self, rows: Rows) -> Score:
        """The most alike of these."""
        place = int(_foremost([key[rows] for key in self._keys()], 1)[0])
        return self.at(int(rows[place]))

    def nearest(self, rows: Rows, count: int) -> tuple[Score, ...]:
        """So many of these by cosine, whatever the evidence."""
        keys = [self._cosines.everybody(), *(self._keys() if self.llrs is not None else ())]
        return tuple(self.at(int(rows[place])) for place in _foremost([key[rows] for key in keys], count))

    def ordered(self, rows: Sequence[int]) -> tuple[Score, ...]:
        """These, the most alike first."""
        chosen = np.array(sorted(rows), dtype=np.intp)
        return tuple(
            self.at(int(chosen[place]))
            for place in _foremost([key[chosen] for key in self._keys()], len(chosen))
        )

    def _keys(self) -> list[Reals]:
        """What is ranked by, one after the other."""
        if self.llrs is None or self._normalised is None:
            return [self._cosines.everybody()]
        return [self.llrs, self._normalised]

    def _rank(self, count: int) -> Rows:
        if len(self._ranked) < min(count, len(self)):
            self._ranked = _foremost(self._keys(), max(count, LEAST_RANKED))
        return self._ranked


def place_of(names: tuple[str, ...], name: str) -> int | None:
    """Where it stands among sorted names; None: nowhere."""
    place = bisect_left(names, name)
    return place if place < len(names) and names[place] == name else None


def _foremost(keys: Sequence[Reals], count: int) -> Rows:
    """The rows of the largest, by the first key and where it ties by the next; then by row."""
    if len(keys[0]) <= FEW:
        columns = [key.tolist() for key in keys]
        ranked = sorted(range(len(keys[0])), key=lambda row: [-column[row] for column in columns])
        return np.array(ranked[:count], dtype=np.intp)
    rows = _candidates(keys, count)
    order = np.lexsort([-key[rows] for key in reversed(keys)])
    return rows[order][:count]


def _candidates(keys: Sequence[Reals], count: int) -> Rows:
    """All rows that can be among the first so many: sorting a crowd takes longer than comparing with it."""
    key, *others = keys
    if count >= len(key):
        return np.arange(len(key))
    if (near := _near(key, count)) is not None:
        return near[_candidates([each[near] for each in keys], count)]
    bar = np.partition(key, len(key) - count)[len(key) - count]
    above, ties = np.flatnonzero(key > bar), np.flatnonzero(key == bar)
    if others:
        ties = ties[_candidates([other[ties] for other in others], count - len(above))]
    return np.sort(np.concatenate([above, ties]))


def _near(key: Reals, count: int) -> Rows | None:
    """Few rows that all of the first so many are among, ties too; None: there are none so few.

    So many stretches have each a row as large as the least of the `count` largest of their maxima.
    """
    maxima = np.maximum.reduceat(key, np.arange(0, len(key), STRETCH))
    if len(maxima) <= count:
        return None
    near = np.flatnonzero(key >= np.partition(maxima, len(maxima) - count)[len(maxima) - count])
    return near if len(near) <= len(key) // 2 else None


NOBODY = Scores.listed(())
