"""Which groups a person belongs to and which operating point is theirs, as rows of the profile database."""

from __future__ import annotations

import sqlite3

from earwitnessd.decision.roster import NOTHING_OWN, OwnPoint

ROWS = (
    "SELECT target_fmr, target_fnmr, prior FROM own_point WHERE person = ?",
    "SELECT name FROM membership WHERE person = ? ORDER BY name",
)


def own_point(database: sqlite3.Connection, person: int) -> OwnPoint:
    """What differs for this person from the settings."""
    row = database.execute(ROWS[0], (person,)).fetchone()
    return OwnPoint(*row) if row else NOTHING_OWN


def groups_of(database: sqlite3.Connection, person: int) -> tuple[str, ...]:
    """The groups this person belongs to, by name."""
    return tuple(str(name) for (name,) in database.execute(ROWS[1], (person,)))


def set_own_point(database: sqlite3.Connection, person: int, point: OwnPoint) -> None:
    """In place of what was kept."""
    database.execute("DELETE FROM own_point WHERE person = ?", (person,))
    if not point.is_empty:
        database.execute(
            "INSERT INTO own_point (person, target_fmr, target_fnmr, prior) VALUES (?, ?, ?, ?)",
            (person, point.target_fmr, point.target_fnmr, point.prior),
        )


def join(database: sqlite3.Connection, person: int, group: str) -> bool:
    """Belong to a group; whether that is new."""
    before = database.total_changes
    database.execute(
        "INSERT INTO membership (person, name) VALUES (?, ?) ON CONFLICT DO NOTHING", (person, group)
    )
    return database.total_changes > before


def leave(database: sqlite3.Connection, person: int, group: str) -> bool:
    """Belong to it no longer; whether they did."""
    before = database.total_changes
    database.execute("DELETE FROM membership WHERE person = ? AND name = ?", (person, group))
    return database.total_changes > before
