"""Enrolment sessions as rows of the database: each template is sealed to its row, person and model."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from earwitnessd.profiles.circumstances import stored, to_store
from earwitnessd.profiles.errors import ProfileError
from earwitnessd.profiles.everybody import PersonRows
from earwitnessd.profiles.stored import NewExemplar, StoredExemplar
from earwitnessd.score import Vector
from earwitnessd.templates.errors import SealError
from earwitnessd.templates.vault import Place, Vault

COLUMNS = "created, label, source, speech_s, windows, consistency, snr_db, circumstances"
# what a row says about a session


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class NewRow:
    """A template that is to be sealed and stored."""

    person: int
    # row of the person
    name: str
    model_id: str
    turned: Vector
    about: tuple[Any, ...]
    # of `COLUMNS`
    of_session: int | None = None
    # the session that it is a template of, by another model; None: it is a session's first


def sessions_of(database: sqlite3.Connection, person: int) -> list[int]:
    """Their numbers, whichever models have made templates of them."""
    rows = database.execute(
        "SELECT id FROM exemplar WHERE person = ? AND of_session IS NULL ORDER BY id", (person,)
    )
    return [row for (row,) in rows]


def root_of(database: sqlite3.Connection, session: int) -> int:
    """The session that a template is of: they are forgotten together."""
    row = database.execute("SELECT of_session FROM exemplar WHERE id = ?", (session,)).fetchone()
    return session if row is None or row[0] is None else int(row[0])


def about(exemplar: NewExemplar, created: str) -> tuple[Any, ...]:
    """What is stored of it beside the template: values for `COLUMNS`."""
    return (
        created,
        exemplar.label,
        exemplar.source,
        exemplar.speech_s,
        exemplar.windows,
        exemplar.consistency,
        exemplar.snr_db,
        to_store(exemplar.circumstances),
    )


def insert(database: sqlite3.Connection, vault: Vault, new: NewRow) -> int:
    """Within a transaction of the caller's; the new row's number."""
    row = _next_row(database)
    sealed = vault.seal(new.turned, Place(row, new.person, new.name, new.model_id))
    database.execute(
        f"INSERT INTO exemplar (id, person, of_session, model_id, vector, {COLUMNS})"  # noqa: S608 - ours
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (row, new.person, new.of_session, new.model_id, sealed, *new.about),
    )
    return row


def seal_for(database: sqlite3.Connection, vault: Vault, person: int, name: str, new_name: str) -> None:
    """A name is bound to its templates, so a new one needs them sealed anew."""
    rows = database.execute("SELECT id, model_id, vector FROM exemplar WHERE person = ?", (person,))
    for row, model_id, sealed in rows.fetchall():
        turned = opened_or_refused(vault, sealed, Place(row, person, name, model_id))
        again = vault.seal(turned, Place(row, person, new_name, model_id))
        database.execute("UPDATE exemplar SET vector = ? WHERE id = ?", (again, row))


def opened_or_refused(vault: Vault, sealed: bytes, place: Place) -> Vector:
    """A template that something is to be done with; ProfileError if it does not open."""
    try:
        return vault.open(sealed, place)
    except SealError as error:
        raise ProfileError("refused", f"{error}: remove that session first") from None


def readable(vault: Vault, person: PersonRows, problems: list[str]) -> Iterator[StoredExemplar]:
    """Those that open; what is wrong with the others is added to `problems`."""
    for exemplar in person.exemplars:
        (
            row,
            model_id,
            sealed,
            label,
            source,
            speech_s,
            windows,
            consistency,
            snr_db,
            circumstances,
            created,
            of_session,
        ) = exemplar
        try:
            vector = vault.open(sealed, Place(row, person.key, person.name, model_id))
        except SealError as error:
            problems.append(str(error))
            continue
        yield StoredExemplar(
            model_id=model_id,
            vector=vector,
            label=label,
            source=source,
            speech_s=speech_s,
            windows=windows,
            consistency=consistency,
            snr_db=snr_db,
            circumstances=stored(circumstances),
            session=row,
            created=created,
            of_session=of_session,
        )


def _next_row(database: sqlite3.Connection) -> int:
    """Known before it is stored: what is sealed is bound to it."""
    (row,) = database.execute("SELECT coalesce(max(id), 0) + 1 FROM exemplar").fetchone()
    return int(row)
