"""Who is deleted is gone from the files, not only from the answers."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from earwitnessd.profiles import ProfileStore

from .disk import DIMENSION, on_disk, sealed
from .making import exemplar, voice

DELETE_AND_DIE = """
import os, sqlite3, sys
from pathlib import Path
from earwitnessd.profiles import ProfileStore

file = Path(sys.argv[1])
store = ProfileStore(file)
reader = sqlite3.connect(file, isolation_level=None)
reader.execute("BEGIN")
reader.execute("SELECT * FROM person").fetchall()
store.delete("anna")  # committed, but what was there cannot be folded away while somebody reads
os._exit(9)
"""


def test_deleting_leaves_nothing_in_any_file_while_the_daemon_goes_on(
    store: ProfileStore, file: Path
) -> None:
    for number in range(20):
        store.add(f"p{number}", exemplar(voice(number, DIMENSION)))
    gone = sealed(file)[3]
    assert gone[:64] in on_disk(file)
    store.delete("p3")
    assert gone[:64] not in on_disk(file)
    assert gone[-64:] not in on_disk(file)
    store.add("p4", exemplar(voice(50, DIMENSION)))
    (other,) = (blob for blob in sealed(file)[-1:])
    session = store.profile("p4").exemplars[-1].session
    store.remove("p4", session)
    assert other[:64] not in on_disk(file)
    assert len(sealed(file)) == 19


def test_what_a_killed_deletion_left_behind_is_gone_after_the_next_start(
    store: ProfileStore, file: Path
) -> None:
    for name in ("anna", "ben"):
        store.add(name, exemplar(voice(len(name), DIMENSION)))
    gone = sealed(file)[0]
    store.close()
    subprocess.run([sys.executable, "-c", DELETE_AND_DIE, str(file)], check=False)
    assert gone[:64] in on_disk(file)
    with closing(ProfileStore(file)) as again:
        assert gone[:64] not in on_disk(file)
        assert [person.name for person in again.profiles()] == ["ben"]


def test_the_file_shrinks_when_people_are_deleted(store: ProfileStore, file: Path) -> None:
    for number in range(60):
        store.add(f"p{number}", exemplar(voice(number, 4 * DIMENSION)))
    store.delete("p0")
    full = file.stat().st_size
    for number in range(1, 60):
        store.delete(f"p{number}")
    assert file.stat().st_size < full / 2


def test_a_reader_keeps_nobody_from_deleting(store: ProfileStore, file: Path) -> None:
    """Deleting commits first; only folding the log may have to wait for another reader."""
    store.add("anna", exemplar(voice(1)))
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM person").fetchall()
        store.delete("anna")
        assert store.profiles() == ()
        reader.execute("ROLLBACK")
    assert store.profiles() == ()
