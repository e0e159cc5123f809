"""Brings a database and its key together: seals what was plain, and seals all anew for a new key."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from earwitnessd.profiles.errors import StoreError
from earwitnessd.profiles.opening import INCREMENTAL, transaction, wipe
from earwitnessd.profiles.recordings import seal_audio_anew
from earwitnessd.score import Vector
from earwitnessd.templates.errors import KeyFileError, SealError
from earwitnessd.templates.key_file import KeyPlace
from earwitnessd.templates.vault import Place, Vault

log = logging.getLogger(__name__)

SEALED_SINCE = 4  # the database's version
BACKUP = ".before-encryption"  # lies there only while the templates are being sealed

Convert = Callable[[bytes, Place], bytes]
# what is stored now, and where; what is to be stored


def unlock(database: sqlite3.Connection, file: Path, place: KeyPlace) -> Vault:
    """The vault that opens this database; a new or plain one is sealed first. StoreError for a wrong key."""
    try:
        sealed_with = key_id_of(database)
        key = place.read(sealed_with)
        if key is None and sealed_with is not None:
            raise StoreError(
                f"profiles {file}: the templates are encrypted with the key {sealed_with}, and there is none "
                f"at {place.file}: restore it, or name it in templates.key_file. Without it, move the "
                "database away and enrol everybody again"
            )
        vault = Vault(key or place.create())
    except KeyFileError as error:
        raise StoreError(str(error)) from error
    if sealed_with is None:
        _seal_plain(database, file, vault)
        sealed_with = key_id_of(database)
    if vault.key_id != sealed_with:
        raise StoreError(
            f"profiles {file}: the templates are encrypted with the key {sealed_with}, but {place.file} "
            f"holds the key {vault.key_id}: give it the right one"
        )
    _leave_nothing_plain(database, file)
    return vault


def key_id_of(database: sqlite3.Connection) -> str | None:
    """Which key the templates are sealed with; None: they are plain, or there are none yet."""
    row = database.execute("SELECT key_id FROM vault").fetchone()
    return str(row[0]) if row else None


def is_plain(file: Path) -> bool:
    """Whether an existing database is of a version that kept plain templates; nothing of it is changed."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            return int(version) < SEALED_SINCE or key_id_of(database) is None
    except sqlite3.DatabaseError:
        return False  # whoever opens it will say what is wrong


def change_key(database: sqlite3.Connection, old: Vault, new: Vault) -> int:
    """Seal everything anew, turned by the new key's rotation; how many templates. All or nothing."""

    def convert(sealed: bytes, place: Place) -> bytes:
        turned = old.open(sealed, place)
        plain = old.rotation(place.model_id, len(turned)).back(turned)
        return new.seal(_turned(new, plain, place), place)

    with transaction(database):
        count = _convert(database, convert)
        seal_audio_anew(database, old, new)
        database.execute("UPDATE vault SET key_id = ?", (new.key_id,))
    wipe(database)
    return count


def _seal_plain(database: sqlite3.Connection, file: Path, vault: Vault) -> None:
    """Older versions kept plain templates. A copy of the file lies beside it until all of them open again."""

    def convert(plain: bytes, place: Place) -> bytes:
        return vault.seal(_turned(vault, np.frombuffer(plain, dtype="<f4"), place), place)

    (templates,) = database.execute("SELECT count(*) FROM exemplar").fetchone()
    if templates:
        _back_up(database, file)
    with transaction(database):
        if key_id_of(database) is not None:
            return  # another process was quicker
        count = _convert(database, convert)
        for sealed, place in _stored(database):
            vault.open(sealed, place)
        database.execute("INSERT INTO vault (only_row, key_id) VALUES (1, ?)", (vault.key_id,))
    if count:
        log.warning("profiles %s: %d voice templates were plain, and are encrypted from now on", file, count)


def _leave_nothing_plain(database: sqlite3.Connection, file: Path) -> None:
    """Rewrite a file of an older version: its pages held plain templates, some perhaps long deleted."""
    (vacuum,) = database.execute("PRAGMA auto_vacuum").fetchone()
    backup = Path(f"{file}{BACKUP}")
    if vacuum == INCREMENTAL and not backup.exists():
        return
    try:
        database.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
        database.execute("VACUUM")
        wipe(database)
        if backup.exists():
            _shred(backup)
    except (sqlite3.OperationalError, OSError) as error:
        log.error(
            "profiles %s: remains of plain templates are still on the disk, until next time: %s", file, error
        )


def _convert(database: sqlite3.Connection, convert: Convert) -> int:
    """Within a transaction of the caller's."""
    converted = []
    for stored, place in _stored(database):
        try:
            converted.append((convert(stored, place), place.row))
        except SealError as error:
            raise StoreError(f"{error}. Remove it first, with `earwitness profiles`") from error
    database.executemany("UPDATE exemplar SET vector = ? WHERE id = ?", converted)
    return len(converted)


def _stored(database: sqlite3.Connection) -> Iterator[tuple[bytes, Place]]:
    rows = database.execute(
        "SELECT exemplar.id, person.id, person.name, exemplar.model_id, exemplar.vector"
        " FROM exemplar JOIN person ON person.id = exemplar.person ORDER BY exemplar.id"
    ).fetchall()
    for row, person, name, model_id, stored in rows:
        yield stored, Place(row=row, person=person, name=name, model_id=model_id)


def _turned(vault: Vault, plain: Vector, place: Place) -> Vector:
    return vault.rotation(place.model_id, len(plain)).turn(plain)


def _back_up(database: sqlite3.Connection, file: Path) -> None:
    backup = Path(f"{file}{BACKUP}")
    try:
        os.close(os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        copy = sqlite3.connect(backup)
        try:
            database.backup(copy)
        finally:
            copy.close()
    except OSError as error:
        raise StoreError(f"profiles {backup}: no backup can be written ({error.strerror})") from error


def _shred(file: Path) -> None:
    """Overwritten, then deleted: what a file system keeps of it otherwise is beyond us."""
    descriptor = os.open(file, os.O_WRONLY)
    try:
        os.write(descriptor, bytes(os.fstat(descriptor).st_size))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    file.unlink()
