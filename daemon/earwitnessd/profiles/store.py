"""Keeps people and their exemplars in one SQLite file that survives a power cut."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from earwitness.control import ErrorCode
from earwitnessd.decision.roster import NOTHING_OWN, OwnPoint
from earwitnessd.profiles import belonging
from earwitnessd.profiles.circumstances import NOT_KNOWN, Circumstances, stored, to_store
from earwitnessd.profiles.migrations import SCRIPTS
from earwitnessd.score import Vector

BUSY_S = 2.0  # waiting for another program that writes
RETRY_S = 0.02
PRIMARY_CODE = 0xFF  # an SQLite error's kind; the bits above say more about it


class StoreError(Exception):
    """The database cannot be used: says why and what to do."""


class ProfileError(Exception):
    """The request does not fit what is stored; `code` is the control protocol's."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code: ErrorCode = code


@dataclass(frozen=True, eq=False, slots=True)
class NewExemplar:
    """What one enrolment session yields."""

    model_id: str
    vector: Vector
    # unit length
    label: str
    source: str
    speech_s: float
    windows: int
    consistency: float | None
    snr_db: float | None
    circumstances: Circumstances = NOT_KNOWN


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StoredExemplar(NewExemplar):
    """An exemplar as it lies in the database."""

    session: int
    # its number there
    created: str


@dataclass(frozen=True, eq=False, slots=True)
class StoredProfile:
    """One person."""

    name: str
    created: str
    exemplars: tuple[StoredExemplar, ...]
    groups: tuple[str, ...] = ()
    # by name
    own: OwnPoint = NOTHING_OWN


class ProfileStore:
    """Owned by the engine thread. Every change is one transaction, on disk when the call returns."""

    def __init__(self, file: Path, busy_s: float = BUSY_S) -> None:
        self.file = file
        _prepare_file(file)
        try:
            self._database = _opened(file, busy_s)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"profiles {file}: {error}. {_advice(error)}") from error

    def close(self) -> None:
        """Fold the write-ahead log into the file."""
        self._database.close()

    def profiles(self) -> tuple[StoredProfile, ...]:
        """Everybody, by name."""
        people = self._database.execute("SELECT id, name, created FROM person ORDER BY name").fetchall()
        return tuple(self._profile(*row) for row in people)

    def profile(self, name: str) -> StoredProfile:
        """One person; ProfileError if not enrolled."""
        key, created = self._person(name)
        return self._profile(key, name, created)

    def add(self, name: str, exemplar: NewExemplar) -> int:
        """Add an exemplar, and the person where new; how many exemplars there are now."""
        now = _now()
        with _transaction(self._database):
            self._database.execute(
                "INSERT INTO person (name, created) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (name, now)
            )
            key, _ = self._person(name)
            self._database.execute(
                "INSERT INTO exemplar (person, created, model_id, vector, label, source, speech_s, windows,"
                " consistency, snr_db, circumstances) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    key,
                    now,
                    exemplar.model_id,
                    exemplar.vector.astype("<f4").tobytes(),
                    exemplar.label,
                    exemplar.source,
                    exemplar.speech_s,
                    exemplar.windows,
                    exemplar.consistency,
                    exemplar.snr_db,
                    to_store(exemplar.circumstances),
                ),
            )
            (count,) = self._database.execute(
                "SELECT count(*) FROM exemplar WHERE person = ?", (key,)
            ).fetchone()
        return int(count)

    def delete(self, name: str) -> None:
        """Forget a person and all exemplars."""
        with _transaction(self._database):
            key, _ = self._person(name)
            self._database.execute("DELETE FROM person WHERE id = ?", (key,))

    def remove(self, name: str, session: int) -> int:
        """Forget one session of a person; how many are left, at least one."""
        with _transaction(self._database):
            key, _ = self._person(name)
            sessions = [exemplar.session for exemplar in self._exemplars(key)]
            if session not in sessions:
                known = ", ".join(map(str, sessions))
                raise ProfileError("not_found", f"{name} has no session {session}; there are: {known}")
            if len(sessions) == 1:
                raise ProfileError(
                    "refused",
                    f"{session} is the only session of {name}: delete the profile, or enrol another",
                )
            self._database.execute("DELETE FROM exemplar WHERE id = ?", (session,))
        return len(sessions) - 1

    def rename(self, name: str, new_name: str) -> int:
        """Give a person another name; how many exemplars they have."""
        with _transaction(self._database):
            key, _ = self._person(name)
            try:
                self._database.execute("UPDATE person SET name = ? WHERE id = ?", (new_name, key))
            except sqlite3.IntegrityError:
                raise ProfileError("conflict", f"{new_name!r} is already enrolled") from None
        return len(self._exemplars(key))

    def set_point(self, name: str, point: OwnPoint) -> None:
        """Decide about this person by another operating point than the settings'."""
        with _transaction(self._database):
            key, _ = self._person(name)
            belonging.set_own_point(self._database, key, point)

    def join(self, name: str, group: str) -> bool:
        """Make a person one of a group; whether that is new."""
        with _transaction(self._database):
            key, _ = self._person(name)
            return belonging.join(self._database, key, group)

    def leave(self, name: str, group: str) -> bool:
        """Take a person out of a group; whether they were in it."""
        with _transaction(self._database):
            key, _ = self._person(name)
            return belonging.leave(self._database, key, group)

    def _profile(self, key: int, name: str, created: str) -> StoredProfile:
        return StoredProfile(
            name,
            created,
            self._exemplars(key),
            belonging.groups_of(self._database, key),
            belonging.own_point(self._database, key),
        )

    def _person(self, name: str) -> tuple[int, str]:
        row = self._database.execute("SELECT id, created FROM person WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise ProfileError("not_found", f"nobody called {name!r} is enrolled")
        return int(row[0]), str(row[1])

    def _exemplars(self, person: int) -> tuple[StoredExemplar, ...]:
        rows = self._database.execute(
            "SELECT model_id, vector, label, source, speech_s, windows, consistency, snr_db, circumstances,"
            " id, created FROM exemplar WHERE person = ? ORDER BY id",
            (person,),
        )
        return tuple(
            StoredExemplar(
                model_id=model_id,
                vector=np.frombuffer(blob, dtype="<f4").astype(np.float32),
                label=label,
                source=source,
                speech_s=speech_s,
                windows=windows,
                consistency=consistency,
                snr_db=snr_db,
                circumstances=stored(circumstances),
                session=session,
                created=created,
            )
            for (
                model_id,
                blob,
                label,
                source,
                speech_s,
                windows,
                consistency,
                snr_db,
                circumstances,
                session,
                created,
            ) in rows
        )


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:  # a full disk rolls back by itself
            database.execute("ROLLBACK")
        raise


def _prepare_file(file: Path) -> None:
    """Voice templates are nobody else's business: the file is its owner's only, from the start."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"profiles {file}: cannot be opened for writing: {error.strerror}") from error


def _opened(file: Path, busy_s: float) -> sqlite3.Connection:
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
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA foreign_keys = ON")
    database.execute("PRAGMA secure_delete = ON")
    for number, script in enumerate(SCRIPTS[version:], start=version + 1):
        _migrate(database, number, script)


def _migrate(database: sqlite3.Connection, number: int, script: str) -> None:
    """Unless the database has this version already: another process may just have brought it there."""
    with _transaction(database):
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


def _advice(error: sqlite3.DatabaseError) -> str:
    if isinstance(error, sqlite3.OperationalError):  # locked, read-only, full: not the data's fault
        return "Check the disk and its permissions, and that no other program holds the file"
    return "Restore a backup, or move the file away to start with no profiles"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
