"""A damaged profile database is moved aside, never deleted: the daemon listens on without it, and says so."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from earwitnessd.profiles.errors import StoreError
from earwitnessd.profiles.store import ProfileStore

log = logging.getLogger(__name__)

MARK = ".damaged-"
PARTS = ("", "-wal", "-shm", "-journal")  # a database and what SQLite lays beside it
DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
PRIMARY_CODE = 0xFF  # an SQLite error's kind; the bits above say more about it


def open_or_move_aside(file: Path, open_store: Callable[[], ProfileStore]) -> ProfileStore:
    """Only damage is moved: a wrong key, a full disk or a newer version are errors as before."""
    try:
        return open_store()
    except StoreError as error:
        if not _is_damage(error.__cause__):
            raise
        moved = _move(file)
        log.critical("%s The file now lies at %s: NOBODY IS ENROLLED until it is restored", error, moved)
    return open_store()


def moved_aside(file: Path) -> str:
    """The newest damaged database that lies beside this one; empty if there is none."""
    found = sorted(file.parent.glob(f"{file.name}{MARK}*Z"))
    return str(found[-1]) if found else ""


def _is_damage(error: BaseException | None) -> bool:
    if not isinstance(error, sqlite3.DatabaseError) or isinstance(error, sqlite3.OperationalError):
        return False
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & PRIMARY_CODE in DAMAGE


def _move(file: Path) -> Path:
    moved = Path(f"{file}{MARK}{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    try:
        for part in reversed(PARTS):  # the database last: without it, nothing of the rest is read
            if (piece := Path(f"{file}{part}")).exists():
                piece.rename(f"{moved}{part}")
    except OSError as error:
        raise StoreError(
            f"profiles {file}: is damaged and cannot be moved aside: {error.strerror}"
        ) from error
    return moved
