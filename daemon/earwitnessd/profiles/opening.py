"""Opens the database file: private, whole, of this version, and for as long as nobody changes its key."""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from earwitnessd.profiles.errors import StoreError
from earwitnessd.profiles.migrations import SCRIPTS

log = logging.getLogger(__name__)

RETRY_S = 0.02
WIPE_WAITS_MS = 200  # for readers: the engine has other things to do
PRIMARY_CODE = 0xFF  # an SQLite error's kind; the bits above say more about it
BESIDE = ("-wal", "-shm")  # what SQLite lays beside a database
LOCK = ".lock"
INCREMENTAL = 2  # the value of PRAGMA auto_vacuum


def prepare_file(file: Path) -> None:
    """Voice templates are nobody else's business: the file is its owner's only, from the start."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        for part in (file, *(Path(f"{file}{suffix}") for suffix in BESIDE)):
            _tighten(part)
        if not os.access(file, os.R_OK | os.W_OK):
            raise StoreError(f"profiles {file}: cannot be opened for writing: Permission denied")
    except OSError as error:
        raise StoreError(f"profiles {file}: cannot be opened for writing: {error.strerror}") from error
    if file.is_dir():
        raise StoreError(f"profiles {file}: cannot be opened for writing: Is a directory")


def _tighten(file: Path) -> None:
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except FileNotFoundError:
        return
    if mode & 0o077 and file.is_file():
        log.warning("%s: others could read it (mode %04o), which ends now", file, mode)
        file.chmod(0o600)


def hold(file: Path, *, alone: bool) -> int:
    """A lock on the database's key, until this descriptor is closed; StoreError if that cannot be had."""
    lock = Path(f"{file}{LOCK}")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        owner, made = file.stat(), os.fstat(descriptor)
        if os.geteuid() == 0 and (owner.st_uid, owner.st_gid) != (made.st_uid, made.st_gid):
            # root looks at a daemon's profiles
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
    except OSError as error:
        raise StoreError(f"profiles {lock}: cannot be opened for writing: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        why = (
            "is in use: stop earwitnessd first" if alone else "is getting another key: try again in a moment"
        )
        raise StoreError(f"profiles {file}: {why}") from None
    return descriptor


def opened(file: Path, busy_s: float) -> sqlite3.Connection:
    """Tried for `busy_s`: SQLite itself does not wait where another opens or closes a write-ahead log."""
    deadline = time.monotonic() + busy_s
    while True:
        try:
            with ExitStack() as stack:
                database = sqlite3.connect(file, isolation_level=None, timeout=busy_s)
                stack.callback(database.close)
                _check_and_migrate(database, file)
                stack.pop_all()
                return database
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & PRIMARY_CODE != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(RETRY_S)


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, and on disk when it ends."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:  # a full disk rolls back by itself
            database.execute("ROLLBACK")
        raise


@contextmanager
def reading(database: sqlite3.Connection) -> Iterator[None]:
    """All that is read meanwhile is of one moment, whoever else writes; within a transaction, of that one."""
    if database.in_transaction:
        yield
        return
    database.execute("BEGIN")
    try:
        yield
    finally:
        database.execute("COMMIT")


def wipe(database: sqlite3.Connection) -> bool:
    """Leave nothing of deleted rows in the file or its log: freed pages are zeroed, then given back.

    False: another reads, and it has to be tried again.
    """
    (patience_ms,) = database.execute("PRAGMA busy_timeout").fetchone()
    try:
        database.execute(f"PRAGMA busy_timeout = {WIPE_WAITS_MS}")
        database.execute("PRAGMA incremental_vacuum").fetchall()
        (busy, _, _) = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        log.error("what was deleted stays in the log file until it can be folded: %s", error)
        return False
    finally:
        database.execute(f"PRAGMA busy_timeout = {patience_ms}")
    if busy:
        log.warning(
            "another program reads the profiles: what was deleted stays in the log file until it ends"
        )
    return not busy


def advice(error: sqlite3.DatabaseError) -> str:
    """What the operator can do."""
    if isinstance(error, sqlite3.OperationalError):  # locked, read-only, full: not the data's fault
        return "Check the disk and its permissions, and that no other program holds the file"
    return "Restore a backup, or move the file away to start with no profiles"


def _check_and_migrate(database: sqlite3.Connection, file: Path) -> None:
    (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(f"the database is damaged: {verdict}")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > len(SCRIPTS):
        raise StoreError(
            f"profiles {file}: made by a newer earwitness (database version {version}, "
            f"this one knows up to {len(SCRIPTS)}). Upgrade earwitness, or name another file in `profiles`"
        )
    database.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")  # of a new file: it must come first
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA foreign_keys = ON")
    database.execute("PRAGMA secure_delete = ON")
    database.execute("PRAGMA temp_store = MEMORY")
    for number, script in enumerate(SCRIPTS[version:], start=version + 1):
        _migrate(database, number, script)


def _migrate(database: sqlite3.Connection, number: int, script: str) -> None:
    """Unless the database has this version already: another process may just have brought it there."""
    with transaction(database):
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version >= number:
            return
        for statement in _statements(script):
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {number}")


def _statements(script: str) -> Iterator[str]:
    """One by one: `executescript` would commit the transaction it is called in."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    assert not statement.strip(), f"a migration ends within a statement: {statement}"
