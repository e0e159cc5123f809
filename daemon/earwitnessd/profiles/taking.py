"""Takes over another daemon's people: laid aside page by page, put into force all at once or not at all."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from earwitnessd.profiles.carrying import UNIT_WITHIN, Session
from earwitnessd.profiles.exemplars import COLUMNS
from earwitnessd.profiles.giving import Page, Shared
from earwitnessd.profiles.ledger import Standing, follow
from earwitnessd.profiles.opening import transaction
from earwitnessd.score import Vector
from earwitnessd.templates.vault import Place, Vault

MOST_NAMED = 32  # people: of more, only the number is told
STAGED = "id, person, model_id, vector, " + COLUMNS


class PageError(Exception):
    """What came cannot be taken over: says why."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What is different since then; names only where they are few."""

    reached: Standing
    added: int = 0
    changed: int = 0
    removed: int = 0
    people: int = 0
    # who are there now
    added_names: tuple[str, ...] = ()
    changed_names: tuple[tuple[str, str], ...] = ()
    # until now, and from now on
    removed_names: tuple[str, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether anybody is added, changed or removed."""
        return bool(self.added or self.changed or self.removed)


def begin(database: sqlite3.Connection) -> None:
    """Forget what was laid aside of a transfer that was cut."""
    with transaction(database):
        database.execute("DELETE FROM staged_person")
        database.execute("DELETE FROM staged_gone")


def lay_aside(database: sqlite3.Connection, vault: Vault, page: Page) -> None:
    """One page; nothing of it is in force."""
    with transaction(database):
        _stage(database, vault, page)


def put_into_force(
    database: sqlite3.Connection, vault: Vault, last: Page, reached: Standing, *, instead: bool
) -> Taken:
    """The last page and all that was laid aside, in one transaction. `instead`: of everybody who is there."""
    try:
        with transaction(database):
            _stage(database, vault, last)
            if instead:
                database.execute(
                    "INSERT INTO staged_gone (uid) SELECT uid FROM person WHERE uid NOT IN"
                    " (SELECT uid FROM staged_person) ON CONFLICT DO NOTHING"
                )
            follow(database, reached)  # first: what follows is no change of this database's own
            taken = _difference(database, reached)
            _replace(database)
            database.execute("DELETE FROM staged_person")
            database.execute("DELETE FROM staged_gone")
            (people,) = database.execute("SELECT count(*) FROM person").fetchone()
    except sqlite3.IntegrityError as error:
        raise PageError(f"what came does not fit together ({error}): nothing of it is in force") from None
    return replace(taken, people=people)


def _stage(database: sqlite3.Connection, vault: Vault, page: Page) -> None:
    for uid in page.gone:
        database.execute("DELETE FROM staged_person WHERE uid = ?", (uid,))
    database.executemany(
        "INSERT INTO staged_gone (uid) VALUES (?) ON CONFLICT DO NOTHING", [(uid,) for uid in page.gone]
    )
    if not page.people:
        return
    keys = _stage_people(database, page.people)
    _stage_sessions(database, vault, page.people, keys)


def _stage_people(database: sqlite3.Connection, people: tuple[Shared, ...]) -> dict[str, int]:
    """Each gets the row that they will have, or have already."""
    (free,) = database.execute(
        "SELECT 1 + max((SELECT coalesce(max(id), 0) FROM person),"
        " (SELECT coalesce(max(id), 0) FROM staged_person))"
    ).fetchone()
    keys: dict[str, int] = {}
    for person in people:
        known = database.execute("SELECT id FROM person WHERE uid = ?", (person.uid,)).fetchone()
        keys[person.uid] = known[0] if known else free
        free += not known
    database.executemany("DELETE FROM staged_person WHERE uid = ?", [(uid,) for uid in keys])
    database.executemany(
        "INSERT INTO staged_person (uid, id, name, created, consent, keep_until, groups,"
        " target_fmr, target_fnmr, prior) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                person.uid,
                keys[person.uid],
                person.name,
                person.created,
                msgspec.json.encode(person.consent).decode() if person.consent else None,
                person.keep_until,
                msgspec.json.encode(person.groups).decode(),
                *person.own,
            )
            for person in people
        ],
    )
    return keys


def _stage_sessions(
    database: sqlite3.Connection, vault: Vault, people: tuple[Shared, ...], keys: dict[str, int]
) -> None:
    (free,) = database.execute(
        "SELECT 1 + max((SELECT coalesce(max(id), 0) FROM exemplar),"
        " (SELECT coalesce(max(id), 0) FROM staged_exemplar))"
    ).fetchone()
    sessions = [(person, session) for person in people for session in person.sessions]
    turned = _turned(vault, [session for _, session in sessions])
    rows = []
    for number, ((person, session), vector) in enumerate(zip(sessions, turned, strict=True), start=free):
        key = keys[person.uid]
        sealed = vault.seal(vector, Place(number, key, person.name, session.model_id))
        told = [getattr(session, column) for column in COLUMNS.split(", ")]
        rows.append((number, key, session.model_id, sealed, *told))
    places = ", ".join("?" * (4 + len(COLUMNS.split(", "))))
    database.executemany(f"INSERT INTO staged_exemplar ({STAGED}) VALUES ({places})", rows)  # noqa: S608 - ours


def _turned(vault: Vault, sessions: list[Session]) -> list[Vector]:
    """Into the space of this machine's own key, all of one model at once."""
    alike: dict[tuple[str, int], list[int]] = defaultdict(list)
    for number, session in enumerate(sessions):
        alike[session.model_id, len(session.vector) // 4].append(number)
    turned: list[Vector] = [np.empty(0, np.float32)] * len(sessions)
    for (model_id, dimension), numbers in alike.items():
        try:
            plain = np.stack([np.frombuffer(sessions[number].vector, dtype="<f4") for number in numbers])
        except ValueError:
            raise PageError("a template in it has no whole number of values") from None
        lengths = np.linalg.norm(plain, axis=1)
        if not dimension or not np.allclose(lengths, 1.0, atol=UNIT_WITHIN):
            raise PageError("a template in it is not of unit length")
        rotation = vault.rotation(model_id, dimension)
        for number, vector in zip(numbers, rotation.turn(plain.astype(np.float32)), strict=True):
            turned[number] = vector
    return turned


def _difference(database: sqlite3.Connection, reached: Standing) -> Taken:
    added = _rows(database, "SELECT name FROM staged_person WHERE uid NOT IN (SELECT uid FROM person)")
    changed = _rows(
        database, "SELECT person.name, staged_person.name FROM staged_person JOIN person USING (uid)"
    )
    removed = _rows(database, "SELECT name FROM person WHERE uid IN (SELECT uid FROM staged_gone)")
    named = len(added) + len(changed) + len(removed) <= MOST_NAMED
    return Taken(
        reached,
        len(added),
        len(changed),
        len(removed),
        added_names=tuple(name for (name,) in added) if named else (),
        changed_names=tuple((before, after) for before, after in changed) if named else (),
        removed_names=tuple(name for (name,) in removed) if named else (),
    )


def _rows(database: sqlite3.Connection, query: str) -> list[tuple[str, ...]]:
    return database.execute(f"{query} ORDER BY 1").fetchall()


def _replace(database: sqlite3.Connection) -> None:
    """What this machine counted of a person stays: when they were heard, and failed checks."""
    database.execute(
        "CREATE TEMP TABLE counted AS SELECT uid, last_heard, failed_checks, check_again FROM person"
        " WHERE uid IN (SELECT uid FROM staged_person)"
    )
    database.execute("DELETE FROM person WHERE uid IN (SELECT uid FROM staged_gone)")
    database.execute("DELETE FROM person WHERE uid IN (SELECT uid FROM staged_person)")
    database.execute(
        "INSERT INTO person (id, uid, name, created, consent, keep_until, last_heard, failed_checks,"
        " check_again) SELECT id, uid, name, created, consent, keep_until, coalesce(last_heard, date('now')),"
        " coalesce(failed_checks, 0), coalesce(check_again, 0)"
        " FROM staged_person LEFT JOIN counted USING (uid)"
    )
    database.execute(
        f"INSERT INTO exemplar ({STAGED}) SELECT {STAGED} FROM staged_exemplar ORDER BY id"  # noqa: S608 - ours
    )
    database.execute(
        "INSERT INTO membership (person, name) SELECT staged_person.id, json_each.value"
        " FROM staged_person, json_each(staged_person.groups)"
    )
    database.execute(
        "INSERT INTO own_point (person, target_fmr, target_fnmr, prior)"
        " SELECT id, target_fmr, target_fnmr, prior FROM staged_person"
        " WHERE coalesce(target_fmr, target_fnmr, prior) IS NOT NULL"
    )
    database.execute("DROP TABLE counted")
