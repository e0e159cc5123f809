"""Plain databases of older versions are sealed, and nothing plain remains."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from earwitnessd.profiles import ProfileStore, StoreError
from earwitnessd.profiles.migrations import SCRIPTS
from earwitnessd.profiles.sealing import is_plain
from earwitnessd.score import Vector

from .disk import DIMENSION, on_disk, sealed
from .making import MODEL, voice

OLD_VERSION = 1  # the first that was ever used: templates lie in it as they are


def older_database(file: Path, people: int) -> list[Vector]:
    """As the first version left it: plain, with deleted rows still in its pages, and readable by all."""
    file.parent.mkdir()
    vectors = [voice(seed, DIMENSION) for seed in range(2 * people)]
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("PRAGMA secure_delete = OFF")
        database.executescript(SCRIPTS[0])
        for number, vector in enumerate(vectors):
            database.execute(
                "INSERT INTO person VALUES (?, ?, '2026-01-01T00:00:00Z')", (number, f"p{number:03}")
            )
            database.execute(
                "INSERT INTO exemplar VALUES (?, ?, '2026-01-01T00:00:00Z', ?, ?, '', '', 9.0, 5, 0.9, NULL)",
                (number, number, MODEL, vector.tobytes()),
            )
        database.execute("DELETE FROM exemplar WHERE id >= ?", (people,))
        database.execute("DELETE FROM person WHERE id >= ?", (people,))
        database.execute(f"PRAGMA user_version = {OLD_VERSION}")
    file.chmod(0o644)
    return vectors


def test_a_plain_database_is_sealed_and_nothing_plain_remains(file: Path) -> None:
    vectors = older_database(file, people=30)
    assert any(
        vector.tobytes()[256:320] in on_disk(file) for vector in vectors[30:]
    )  # deleted, but still there
    with closing(ProfileStore(file)) as store:
        turn = store.turning(MODEL).turn
        for number, person in enumerate(store.profiles()):
            np.testing.assert_allclose(person.exemplars[0].vector, turn(vectors[number]), atol=1e-6)
        content = on_disk(file)
        for vector in vectors:
            raw = vector.tobytes()
            assert not any(raw[at : at + 32] in content for at in range(0, len(raw), 256))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {each.name for each in file.parent.iterdir()} == {
        "profiles.db",
        "profiles.db.key",
        "profiles.db.lock",
    }
    assert len(sealed(file)) == 30


def test_looking_whether_a_database_is_plain_changes_nothing(file: Path) -> None:
    older_database(file, people=2)
    before = on_disk(file)
    assert is_plain(file)
    assert on_disk(file) == before
    ProfileStore(file).close()
    assert not is_plain(file)


def test_sealing_that_was_cut_off_is_done_again_from_the_beginning(file: Path) -> None:
    vectors = older_database(file, people=5)
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute(
            "CREATE TRIGGER power_cut BEFORE UPDATE ON exemplar WHEN old.id = 3"
            " BEGIN SELECT RAISE(ABORT, 'power cut'); END"
        )
    with pytest.raises(StoreError, match="power cut"):
        ProfileStore(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        assert sealed(file) == [vector.tobytes() for vector in vectors[:5]]
        database.execute("DROP TRIGGER power_cut")
    with closing(ProfileStore(file)) as store:
        assert len(store.profiles()) == 5
        assert not store.unreadable
    assert not any(vector.tobytes()[:32] in on_disk(file) for vector in vectors)
