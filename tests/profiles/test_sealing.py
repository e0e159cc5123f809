"""No plain template on the disk, each bound to its place."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from earwitnessd.profiles import ProfileStore, StoreError
from earwitnessd.templates.key import TemplateKey
from earwitnessd.templates.key_file import write_key

from .disk import DIMENSION, on_disk, sealed
from .making import MODEL, exemplar, voice


def test_what_is_stored_lies_on_the_disk_neither_plain_nor_turned(store: ProfileStore, file: Path) -> None:
    turned = store.turning(MODEL).turn(voice(1, DIMENSION))
    store.add("anna", exemplar(turned))
    for vector in (turned, voice(1, DIMENSION)):
        assert vector.tobytes() not in on_disk(file)
        assert vector.tobytes()[:32] not in on_disk(file)
    assert sealed(file)[0] in on_disk(file)


def test_the_same_template_is_never_sealed_to_the_same_bytes(store: ProfileStore, file: Path) -> None:
    store.add("anna", exemplar(voice(1)))
    store.add("anna", exemplar(voice(1)))
    first, second = sealed(file)
    assert first[12:] != second[12:]
    assert first[:12] != second[:12]


def test_a_database_copied_without_its_key_opens_nothing(
    store: ProfileStore, file: Path, tmp_path: Path
) -> None:
    store.add("anna", exemplar(voice(1)))
    store.close()
    stolen = tmp_path / "stolen" / "profiles.db"
    stolen.parent.mkdir()
    shutil.copy(file, stolen)
    with pytest.raises(StoreError, match=r"encrypted with the key .*, and there is none at"):
        ProfileStore(stolen)
    assert not Path(f"{stolen}.key").exists()  # nor is one made that could not open it
    write_key(Path(f"{stolen}.key"), TemplateKey.new())
    with pytest.raises(StoreError, match=r"holds the key .*: give it the right one"):
        ProfileStore(stolen)


def test_a_template_copied_onto_another_person_does_not_open_and_that_is_said(
    store: ProfileStore, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.add("anna", exemplar(voice(1)))
    store.add("eve", exemplar(voice(2)))
    with closing(sqlite3.connect(file, isolation_level=None)) as thief:
        thief.execute("UPDATE exemplar SET vector = (SELECT vector FROM exemplar WHERE id = 2) WHERE id = 1")
    with caplog.at_level(logging.ERROR):
        anna, eve = store.profiles()
    assert (len(anna.exemplars), len(eve.exemplars)) == (0, 1)
    assert store.unreadable == (
        "session 1 of anna does not open: it was changed, or moved here from another row or person",
    )
    assert "session 1 of anna does not open" in caplog.text
    caplog.clear()
    store.profiles()
    assert not caplog.text  # once


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE exemplar SET person = 2 WHERE id = 1",
        "UPDATE exemplar SET model_id = 'large@2222' WHERE id = 1",
        "UPDATE exemplar SET id = 7 WHERE id = 1",
        "UPDATE exemplar SET vector = zeroblob(length(vector)) WHERE id = 1",
        "UPDATE exemplar SET vector = x'00' WHERE id = 1",
        "UPDATE person SET name = CASE id WHEN 1 THEN 'x' ELSE 'anna' END",
    ],
)
def test_a_template_opens_for_its_person_its_model_and_its_row_only(
    store: ProfileStore, file: Path, tampering: str
) -> None:
    store.add("anna", exemplar(voice(1)))
    store.add("eve", exemplar(voice(2)))
    with closing(sqlite3.connect(file, isolation_level=None)) as thief:
        thief.execute(tampering)
    everybody = store.profiles()
    assert store.unreadable
    for person in everybody:
        for each in person.exemplars:
            assert not np.array_equal(each.vector, voice(1))


def test_a_plain_row_in_a_sealed_database_is_nobodys_template(store: ProfileStore, file: Path) -> None:
    store.add("anna", exemplar(voice(1)))
    with closing(sqlite3.connect(file, isolation_level=None)) as thief:
        thief.execute("UPDATE exemplar SET vector = ?", (voice(66).tobytes(),))
    store.close()
    with closing(ProfileStore(file)) as again:
        (anna,) = again.profiles()
        assert anna.exemplars == ()
        assert len(again.unreadable) == 1


def test_a_renamed_person_is_sealed_under_the_new_name(store: ProfileStore, file: Path) -> None:
    store.add("anna", exemplar(voice(1)))
    before = sealed(file)
    store.rename("anna", "anne")
    assert sealed(file) != before
    np.testing.assert_array_equal(store.profile("anne").exemplars[0].vector, voice(1))
