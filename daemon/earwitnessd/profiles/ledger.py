"""Where a database's history stands: a version that only grows, and a mark that tells histories apart."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from earwitnessd.profiles.opening import transaction


@dataclass(frozen=True, slots=True)
class Standing:
    """One point of one database's history."""

    lineage: str = ""
    # which database; empty: none
    version: int = 0
    # 0: nobody was ever enrolled
    mark: str = ""
    # random, of this version: a restored backup that went on gives others


NOTHING = Standing()


def standing(database: sqlite3.Connection) -> Standing:
    """Where this database's own history has come to."""
    (lineage,) = database.execute("SELECT lineage FROM ledger").fetchone()
    row = database.execute("SELECT version, mark FROM change ORDER BY version DESC LIMIT 1").fetchone()
    return Standing(lineage, *row) if row else Standing(lineage)


def mark_of(database: sqlite3.Connection, version: int) -> str | None:
    """None: that version is still to come, or is remembered no longer."""
    row = database.execute("SELECT mark FROM change WHERE version = ?", (version,)).fetchone()
    return str(row[0]) if row else None


def followed(database: sqlite3.Connection) -> Standing | None:
    """How far another daemon's history was taken over; None: the people are this one's own."""
    row = database.execute("SELECT lineage, version, mark FROM followed").fetchone()
    return Standing(*row) if row else None


def follow(database: sqlite3.Connection, reached: Standing) -> None:
    """From now on the people are another daemon's, taken over so far; in a transaction of the caller's."""
    database.execute(
        "INSERT INTO followed (only_row, lineage, version, mark) VALUES (1, ?, ?, ?) ON CONFLICT (only_row)"
        " DO UPDATE SET lineage = excluded.lineage, version = excluded.version, mark = excluded.mark",
        (reached.lineage, reached.version, reached.mark),
    )


def make_own(database: sqlite3.Connection) -> bool:
    """People who were another daemon's are this one's from now on, with a history that begins here."""
    if followed(database) is None:
        return False
    with transaction(database):
        for table in ("followed", "staged_person", "staged_gone", "change"):
            database.execute(f"DELETE FROM {table}")  # noqa: S608 - ours
        database.execute("UPDATE ledger SET lineage = lower(hex(randomblob(16)))")
        database.execute("UPDATE person SET changed = id")
        database.execute(
            "INSERT INTO change (version, mark) SELECT max(id), lower(hex(randomblob(8))) FROM person"
            " HAVING max(id) IS NOT NULL"
        )
    return True
