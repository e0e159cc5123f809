"""Reads people with all their sessions from the database: all of them in three queries, be it a crowd."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from earwitnessd.decision.roster import NOTHING_OWN, OwnPoint
from earwitnessd.profiles import belonging
from earwitnessd.profiles.keeping import KEEPING, Keeping, keeping_from

EXEMPLAR = (
    "exemplar.id, exemplar.model_id, exemplar.vector, exemplar.label, exemplar.source, exemplar.speech_s,"
    " exemplar.windows, exemplar.consistency, exemplar.snr_db, exemplar.circumstances, exemplar.created,"
    " exemplar.of_session"
)
PERSON = (
    f"person.id, person.name, person.created, {', '.join(f'person.{each}' for each in KEEPING.split(', '))}"
)
PERSON_COLUMNS = len(PERSON.split(", "))
JOINED = f"SELECT {PERSON}, {EXEMPLAR} FROM person LEFT JOIN exemplar ON exemplar.person = person.id"  # noqa: S608
IN_ORDER = " ORDER BY person.name, exemplar.id"

Row = tuple[Any, ...]
# as SQLite gives it


@dataclass(frozen=True, slots=True)
class PersonRows:
    """What is stored of one person; the templates are still sealed."""

    key: int
    name: str
    created: str
    exemplars: tuple[Row, ...]
    # as in `EXEMPLAR`
    groups: tuple[str, ...]
    # by name
    own: OwnPoint
    keeping: Keeping


def rows_of_everybody(database: sqlite3.Connection) -> Iterator[PersonRows]:
    """By name."""
    memberships = database.execute("SELECT person, name FROM membership ORDER BY person, name").fetchall()
    groups = {
        person: tuple(name for _, name in each) for person, each in groupby(memberships, key=itemgetter(0))
    }
    points = {
        person: OwnPoint(*point)
        for person, *point in database.execute("SELECT person, target_fmr, target_fnmr, prior FROM own_point")
    }
    for (key, *_), rows in groupby(database.execute(JOINED + IN_ORDER), key=itemgetter(slice(1))):
        yield _person(tuple(rows), groups.get(key, ()), points.get(key, NOTHING_OWN))


def terms_of_everybody(database: sqlite3.Connection) -> Iterator[tuple[str, str, Keeping]]:
    """Name, when first enrolled, and on what terms; no template is touched."""
    for name, created, *keeping in database.execute(
        f"SELECT name, created, {KEEPING} FROM person ORDER BY name"  # noqa: S608 - ours
    ):
        yield name, created, keeping_from(*keeping)


def rows_of(database: sqlite3.Connection, person: int) -> PersonRows:
    """Of one person."""
    rows = database.execute(f"{JOINED} WHERE person.id = ?{IN_ORDER}", (person,)).fetchall()
    return _person(tuple(rows), belonging.groups_of(database, person), belonging.own_point(database, person))


def _person(rows: tuple[Row, ...], groups: tuple[str, ...], own: OwnPoint) -> PersonRows:
    key, name, created, *keeping = rows[0][:PERSON_COLUMNS]
    exemplars = tuple(row[PERSON_COLUMNS:] for row in rows if row[PERSON_COLUMNS] is not None)
    return PersonRows(key, name, created, exemplars, groups, own, keeping_from(*keeping))
