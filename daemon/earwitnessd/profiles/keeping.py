"""What a person agreed to, until when they are kept, and how often checks for them failed."""

from __future__ import annotations

import sqlite3

import msgspec

KEEPING = "consent, keep_until, last_heard, failed_checks, check_again"  # columns of a person


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """That a person agreed."""

    at: str
    # RFC 3339 UTC
    by: str
    # who recorded it: "uid 1000", "key kitchen"
    text: str
    # what was agreed to, or where that is written


class Keeping(msgspec.Struct, frozen=True, kw_only=True):
    """Beside a person's sessions."""

    consent: Consent | None = None
    keep_until: str | None = None
    # a date: deleted from then on
    last_heard: str = ""
    # date of the last verdict, or of enrolling; empty: not known
    failed_checks: int = 0
    # in a row
    check_again: float = 0.0
    # Unix seconds: no check before


def keeping_of(database: sqlite3.Connection, person: int) -> Keeping:
    """As it is stored."""
    return keeping_from(
        *database.execute(f"SELECT {KEEPING} FROM person WHERE id = ?", (person,)).fetchone()  # noqa: S608 - ours
    )


def keeping_from(
    consent: str | None, keep_until: str | None, last_heard: str, failed_checks: int, check_again: float
) -> Keeping:
    """From the columns."""
    return Keeping(
        consent=msgspec.json.decode(consent, type=Consent) if consent else None,
        keep_until=keep_until,
        last_heard=last_heard,
        failed_checks=failed_checks,
        check_again=check_again,
    )


def keep(database: sqlite3.Connection, person: int, keeping: Keeping) -> None:
    """Store it; within a transaction of the caller's."""
    database.execute(
        "UPDATE person SET consent = ?, keep_until = ?, last_heard = ?, failed_checks = ?, check_again = ?"
        " WHERE id = ?",
        (
            msgspec.json.encode(keeping.consent).decode() if keeping.consent else None,
            keeping.keep_until,
            keeping.last_heard,
            keeping.failed_checks,
            keeping.check_again,
            person,
        ),
    )
