"""The audio of enrolments, sealed, as rows of the profile database: only where the operator allowed that."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from earwitnessd.profiles.opening import transaction, wipe
from earwitnessd.templates.vault import AudioPlace, Vault

WAITING = (
    "SELECT kept_audio.session, person.id, person.name FROM kept_audio"
    " JOIN exemplar ON exemplar.id = kept_audio.session JOIN person ON person.id = exemplar.person"
    " WHERE NOT EXISTS (SELECT 1 FROM exemplar AS made"
    " WHERE (made.id = kept_audio.session OR made.of_session = kept_audio.session) AND made.model_id = ?)"
    " ORDER BY person.name, kept_audio.session"
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A session whose audio is kept, and which a model has no template of."""

    session: int
    person: int
    name: str


def keep_audio(database: sqlite3.Connection, vault: Vault, session: int, person: int, content: bytes) -> None:
    """Within a transaction of the caller's."""
    sealed = vault.seal_content(content, AudioPlace(session, person))
    database.execute("INSERT INTO kept_audio (session, sealed) VALUES (?, ?)", (session, sealed))


def kept_audio(database: sqlite3.Connection, vault: Vault, waiting: Waiting) -> bytes:
    """SealError if it does not open; empty if it is gone meanwhile."""
    row = database.execute("SELECT sealed FROM kept_audio WHERE session = ?", (waiting.session,)).fetchone()
    return vault.open_content(row[0], AudioPlace(waiting.session, waiting.person)) if row else b""


def name_of(database: sqlite3.Connection, waiting: Waiting) -> str | None:
    """The person's, who may have been renamed; None: the session is gone."""
    row = database.execute(
        "SELECT person.name FROM exemplar JOIN person ON person.id = exemplar.person WHERE exemplar.id = ?",
        (waiting.session,),
    ).fetchone()
    return str(row[0]) if row else None


def waiting_for(database: sqlite3.Connection, model_id: str) -> list[Waiting]:
    """By person."""
    return [Waiting(*row) for row in database.execute(WAITING, (model_id,))]


def count_audio(database: sqlite3.Connection) -> int:
    """Sessions whose audio is kept."""
    (count,) = database.execute("SELECT count(*) FROM kept_audio").fetchone()
    return int(count)


def forget_audio(database: sqlite3.Connection) -> int:
    """Of everybody; templates stay. Nothing of it is in the files when this returns."""
    with transaction(database):
        forgotten = database.execute("DELETE FROM kept_audio").rowcount
    wipe(database)
    return forgotten


def seal_audio_anew(database: sqlite3.Connection, old: Vault, new: Vault) -> None:
    """For another key; within a transaction of the caller's."""
    rows = database.execute(
        "SELECT session, exemplar.person FROM kept_audio JOIN exemplar ON exemplar.id = kept_audio.session"
    ).fetchall()
    for session, person in rows:  # one by one: they are large
        place = AudioPlace(session, person)
        (sealed,) = database.execute("SELECT sealed FROM kept_audio WHERE session = ?", (session,)).fetchone()
        again = new.seal_content(old.open_content(sealed, place), place)
        database.execute("UPDATE kept_audio SET sealed = ? WHERE session = ?", (again, session))
