"""No plain template on the disk, each bound to its place, and another key whenever wanted."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from earwitnessd.cli import app
from earwitnessd.profiles import ProfileStore, StoreError
from earwitnessd.profiles.migrations import SCRIPTS
from earwitnessd.profiles.rekeying import change_to, rotate_key
from earwitnessd.profiles.sealing import is_plain
from earwitnessd.score import Vector
from earwitnessd.templates.key import TemplateKey
from earwitnessd.templates.key_file import KeyPlace, write_key

from .making import MODEL, exemplar, voice

DIMENSION = 128
OLD_VERSION = 1  # the first that was ever used: templates lie in it as they are

ROTATE_FOR_EVER = """
import sys
from pathlib import Path
from earwitnessd.profiles.rekeying import rotate_key
from earwitnessd.templates.key_file import KeyPlace

file = Path(sys.argv[1])
while True:
    print(rotate_key(file, KeyPlace.find("auto", file)).new_id, flush=True)
"""


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


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "profiles.db"


@pytest.fixture
def store(file: Path) -> Iterator[ProfileStore]:
    with closing(ProfileStore(file)) as opened:
        yield opened


def on_disk(file: Path) -> bytes:
    """Everything that lies with the database, its key aside."""
    return b"".join(
        each.read_bytes() for each in sorted(file.parent.iterdir()) if not each.name.endswith(".key")
    )


def sealed(file: Path) -> list[bytes]:
    with closing(sqlite3.connect(file)) as database:
        return [blob for (blob,) in database.execute("SELECT vector FROM exemplar ORDER BY id")]


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


def test_a_key_that_others_can_read_keeps_the_database_shut(store: ProfileStore, file: Path) -> None:
    store.close()
    Path(f"{file}.key").chmod(0o644)
    with pytest.raises(StoreError, match="others can read it"):
        ProfileStore(file)


def test_a_new_key_keeps_everybody_and_revokes_what_was_copied(store: ProfileStore, file: Path) -> None:
    turn = store.turning(MODEL)
    for number in range(10):
        store.add(f"p{number}", exemplar(turn.turn(voice(number, DIMENSION))))
    old = [person.exemplars[0].vector for person in store.profiles()]
    store.close()
    copied, copied_key = sealed(file), Path(f"{file}.key").read_text()
    done = rotate_key(file, KeyPlace.find("auto", file))
    assert (done.templates, done.old_id) == (10, TemplateKey.from_text(copied_key).id)
    assert not any(blob[:32] in on_disk(file) for blob in copied)
    with closing(ProfileStore(file)) as reopened:
        assert reopened.key_id == done.new_id != done.old_id
        new = [person.exemplars[0].vector for person in reopened.profiles()]
        again = reopened.turning(MODEL)
        for number in range(10):
            probe = voice(number, DIMENSION)
            assert float(again.turn(probe) @ new[number]) == pytest.approx(1.0, abs=1e-6)
            assert abs(float(again.turn(probe) @ old[number])) < 0.25  # a stranger's
        cosines = np.array(new) @ np.array(new).T
        np.testing.assert_allclose(cosines, np.array(old) @ np.array(old).T, atol=1e-6)


def test_the_key_of_a_database_in_use_is_not_changed(store: ProfileStore, file: Path) -> None:
    with pytest.raises(StoreError, match="is in use: stop earwitnessd first"):
        rotate_key(file, KeyPlace.find("auto", file))
    store.add("anna", exemplar(voice(1)))
    assert len(store.profile("anna").exemplars) == 1


def test_a_changed_key_may_lie_elsewhere(store: ProfileStore, file: Path, tmp_path: Path) -> None:
    store.add("anna", exemplar(voice(1)))
    store.close()
    place = KeyPlace.find("auto", file)
    write_key(tmp_path / "new.key", TemplateKey.new())
    change_to(file, place, tmp_path / "new.key")
    with pytest.raises(StoreError, match="give it the right one"):
        ProfileStore(file)
    with closing(ProfileStore(file, key=KeyPlace(tmp_path / "new.key"))) as again:
        assert [person.name for person in again.profiles()] == ["anna"]
        assert not again.unreadable
    with pytest.raises(StoreError, match="is in use already"):
        change_to(file, KeyPlace(tmp_path / "new.key"), tmp_path / "new.key")


@pytest.mark.parametrize("killed_after", range(4))
def test_a_rotation_that_is_killed_leaves_a_database_that_opens(file: Path, killed_after: int) -> None:
    with closing(ProfileStore(file)) as store:
        turn = store.turning(MODEL)
        for number in range(8):
            store.add(f"p{number}", exemplar(turn.turn(voice(number, 64))))
    command = [sys.executable, "-c", ROTATE_FOR_EVER, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as rotating:
        assert rotating.stdout is not None
        for _ in range(killed_after + 1):
            assert rotating.stdout.readline()
        rotating.kill()
    with closing(ProfileStore(file)) as store:
        people = store.profiles()
        assert not store.unreadable
        turn = store.turning(MODEL)
        for number in range(8):
            template = people[number].exemplars[0].vector
            assert float(turn.turn(voice(number, 64)) @ template) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("sealed_already", [False, True])
def test_a_rotation_cut_off_at_its_worst_moments_is_ended_or_forgotten(
    file: Path, sealed_already: bool
) -> None:
    """The new key is written and not yet used; or the database is sealed with it, and it not in place."""
    with closing(ProfileStore(file)) as store:
        store.add("anna", exemplar(voice(1)))
    place = KeyPlace.find("auto", file)
    write_key(place.next_file, TemplateKey.new())
    if sealed_already:
        change_to(file, place, place.next_file)
    with closing(ProfileStore(file)) as store:
        assert not store.unreadable
        assert len(store.profile("anna").exemplars) == 1
    assert place.next_file.exists() is not sealed_already
    rotate_key(file, place)
    assert not place.next_file.exists()


def test_the_commands_make_show_and_rotate_keys(store: ProfileStore, file: Path, tmp_path: Path) -> None:
    store.add("anna", exemplar(voice(1)))
    store.close()
    run, setting = CliRunner(), ["--set", f"profiles={file}"]
    shown = run.invoke(app, ["templates", "show", *setting])
    assert shown.exit_code == 0
    assert "people    1, 1 sessions, of small@1111" in shown.output
    assert "beside the database" in shown.output
    rotated = run.invoke(app, ["templates", "rotate", *setting])
    assert rotated.exit_code == 0
    assert "1 templates" in rotated.output
    made = run.invoke(app, ["templates", "new-key", str(tmp_path / "other.key")])
    assert made.exit_code == 0
    assert run.invoke(app, ["templates", "new-key", str(tmp_path / "other.key")]).exit_code == 1
    changed = run.invoke(app, ["templates", "rotate", *setting, "--new-key", str(tmp_path / "other.key")])
    assert changed.exit_code == 0
    wrong = run.invoke(app, ["templates", "show", *setting])
    assert wrong.exit_code == 1
    assert "give it the right one" in wrong.output
    right = run.invoke(
        app, ["templates", "show", *setting, "--set", f"templates.key_file={tmp_path / 'other.key'}"]
    )
    assert right.exit_code == 0
    for output in (shown.output, rotated.output, made.output, changed.output, wrong.output, right.output):
        assert Path(tmp_path / "other.key").read_text().strip() not in output


def test_a_systemd_credential_is_not_rotated_in_place(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    write_key(tmp_path / "template.key", TemplateKey.new())
    with closing(ProfileStore(file)) as store:
        store.add("anna", exemplar(voice(1)))
    assert not Path(f"{file}.key").exists()
    with pytest.raises(StoreError, match="as root and outside the service"):
        rotate_key(file, KeyPlace.find("auto", file))


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
