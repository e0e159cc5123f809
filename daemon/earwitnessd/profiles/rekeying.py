"""Gives a database another key: everybody stays enrolled, and whatever was copied before is worth nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from earwitnessd.profiles.errors import StoreError
from earwitnessd.profiles.opening import advice, hold, opened, prepare_file
from earwitnessd.profiles.sealing import change_key, unlock
from earwitnessd.templates.errors import KeyFileError
from earwitnessd.templates.key import TemplateKey
from earwitnessd.templates.key_file import KeyPlace, read_key, write_key
from earwitnessd.templates.vault import Vault

BUSY_S = 2.0


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """What was done."""

    templates: int
    old_id: str
    new_id: str


def rotate_key(file: Path, place: KeyPlace) -> Rekeyed:
    """A new key takes the old one's place, whatever moment the power fails at.

    It lies in a file of its own until the database is sealed with it, and is moved to its place only then;
    whoever opens the database in between takes the one that fits, and ends the move.
    """
    if place.credential:
        raise StoreError(
            f"the key {place.file} is systemd's and cannot be replaced here: run `earwitnessd templates "
            "rotate` as root and outside the service, which replaces the file that systemd takes it from"
        )

    def prepare() -> TemplateKey:
        place.next_file.unlink(missing_ok=True)  # of a rotation that was cut off before it changed anything
        key = TemplateKey.new()
        write_key(place.next_file, key)
        _give_to_owner_of(place.file, place.next_file)
        return key

    return _change(file, place, prepare, lambda: place.next_file.replace(place.file))


def _give_to_owner_of(file: Path, new: Path) -> None:
    """Root may change the key of a daemon that runs as somebody else, and must go on reading it."""
    owner = file.stat()
    if os.geteuid() == 0:
        os.chown(new, owner.st_uid, owner.st_gid)


def change_to(file: Path, place: KeyPlace, new_file: Path) -> Rekeyed:
    """Seal with the key in this file from now on; the old one stays where it is."""
    return _change(file, place, lambda: read_key(new_file), lambda: None)


def _change(
    file: Path, place: KeyPlace, prepare: Callable[[], TemplateKey], conclude: Callable[[], object]
) -> Rekeyed:
    if not file.exists():
        raise StoreError(f"profiles {file}: there is no such database yet: nothing to give another key")
    prepare_file(file)
    try:
        with ExitStack() as stack:
            stack.callback(os.close, hold(file, alone=True))
            database = opened(file, BUSY_S)
            stack.callback(database.close)
            old = unlock(database, file, place)
            new = Vault(prepare())
            if new.key_id == old.key_id:
                raise StoreError(f"profiles {file}: that key ({new.key_id}) is in use already")
            templates = change_key(database, old, new)
            conclude()
    except sqlite3.DatabaseError as error:
        raise StoreError(f"profiles {file}: {error}. {advice(error)}") from error
    except (KeyFileError, OSError) as error:
        raise StoreError(str(error)) from error
    return Rekeyed(templates, old.key_id, new.key_id)
