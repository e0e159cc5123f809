"""The database keeps what it was given, through kills, full disks and damage, or says what is wrong."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earwitnessd.profiles import Circumstances, ProfileError, ProfileStore, StoreError
from earwitnessd.profiles.migrations import SCRIPTS

from ..small_disk import SmallDisk, mounted
from .making import MODEL, OTHER_MODEL, exemplar, voice

TINY_DISK_KB = 512

ADD_UNTIL_KILLED = """
import sys
from pathlib import Path
from earwitnessd.profiles import ProfileStore
from tests.profiles.making import exemplar, voice

store = ProfileStore(Path(sys.argv[1]))
for number in range(1_000_000):
    store.add(f"person{number % 50}", exemplar(voice(number, 512)))
    print(number, flush=True)
"""


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with mounted(tmp_path, TINY_DISK_KB) as disk:
        yield disk


def names(store: ProfileStore) -> list[str]:
    return [person.name for person in store.profiles()]


def tables(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as database:
        rows = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        return [name for (name,) in rows]


def complaint(file: Path) -> str:
    with pytest.raises(StoreError) as refused:
        ProfileStore(file, busy_s=0.05)
    assert str(refused.value).startswith(f"profiles {file}: ")
    return str(refused.value)


def problem(action: Callable[[], object]) -> ProfileError:
    with pytest.raises(ProfileError) as refused:
        action()
    return refused.value


def test_a_new_database_is_empty(store: ProfileStore) -> None:
    assert store.profiles() == ()


def test_an_exemplar_comes_back_as_it_was_given(store: ProfileStore) -> None:
    assert store.add("anna", exemplar(voice(1))) == 1
    (anna,) = store.profiles()
    (stored,) = anna.exemplars
    np.testing.assert_array_equal(stored.vector, voice(1))
    assert stored.vector.dtype == np.float32
    assert (stored.model_id, stored.label, stored.source) == (MODEL, "headset", "stream desk")
    assert (stored.speech_s, stored.windows, stored.consistency, stored.snr_db) == (12.5, 7, 0.81, None)
    assert stored.created == anna.created
    assert anna.created.endswith("Z")


def test_a_person_has_several_exemplars_in_the_order_they_were_added(store: ProfileStore) -> None:
    assert [store.add("anna", exemplar(voice(seed), label=str(seed))) for seed in range(3)] == [1, 2, 3]
    assert store.add("ben", exemplar(voice(9), OTHER_MODEL)) == 1
    assert [each.label for each in store.profile("anna").exemplars] == ["0", "1", "2"]
    assert [each.model_id for each in store.profile("ben").exemplars] == [OTHER_MODEL]


def test_people_are_listed_by_name(store: ProfileStore) -> None:
    for name in ("carla", "anna", "ben"):
        store.add(name, exemplar(voice(1)))
    assert names(store) == ["anna", "ben", "carla"]


def test_a_deleted_person_leaves_no_exemplar_behind(store: ProfileStore, file: Path) -> None:
    store.add("anna", exemplar(voice(1)))
    store.add("ben", exemplar(voice(2)))
    store.delete("anna")
    assert names(store) == ["ben"]
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT count(*) FROM exemplar").fetchone() == (1,)


def test_a_deleted_template_is_overwritten_in_the_file(file: Path) -> None:
    with closing(ProfileStore(file)) as store:
        store.add("anna", exemplar(voice(1)))
        store.delete("anna")
    assert voice(1).tobytes() not in file.read_bytes()


def test_a_renamed_person_keeps_their_exemplars(store: ProfileStore) -> None:
    store.add("anna", exemplar(voice(1)))
    store.add("anna", exemplar(voice(2)))
    assert store.rename("anna", "anne") == 2
    assert names(store) == ["anne"]
    assert store.rename("anne", "anne") == 2


def test_a_name_that_is_taken_is_a_conflict_and_changes_nothing(store: ProfileStore) -> None:
    store.add("anna", exemplar(voice(1)))
    store.add("ben", exemplar(voice(2)))
    refused = problem(lambda: store.rename("anna", "ben"))
    assert refused.code == "conflict"
    assert "'ben'" in str(refused)
    assert names(store) == ["anna", "ben"]
    store.add("carla", exemplar(voice(3)))  # no transaction was left open


def test_whoever_is_not_enrolled_is_not_found(store: ProfileStore) -> None:
    for action in (
        lambda: store.profile("eve"),
        lambda: store.delete("eve"),
        lambda: store.rename("eve", "anna"),
    ):
        refused = problem(action)
        assert refused.code == "not_found"
        assert "'eve'" in str(refused)
    store.add("anna", exemplar(voice(1)))


def test_a_failed_add_leaves_no_person_without_exemplars(store: ProfileStore, file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON exemplar BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
        with pytest.raises(sqlite3.IntegrityError, match="no room"):
            store.add("anna", exemplar(voice(1)))
        assert names(store) == []
        database.execute("DROP TRIGGER full")
    assert store.add("anna", exemplar(voice(1))) == 1


def test_what_was_stored_is_there_after_reopening(file: Path) -> None:
    with closing(ProfileStore(file)) as store:
        store.add("anna", exemplar(voice(1)))
    with closing(ProfileStore(file)) as store:
        np.testing.assert_array_equal(store.profile("anna").exemplars[0].vector, voice(1))


def test_the_files_and_their_folder_are_their_owners_only(store: ProfileStore, file: Path) -> None:
    store.add("anna", exemplar(voice(1)))
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in file.parent.iterdir()}
    assert set(modes) == {f"profiles.db{suffix}" for suffix in ("", "-wal", "-shm", ".key", ".lock")}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_two_connections_see_each_others_changes(store: ProfileStore, file: Path) -> None:
    with closing(ProfileStore(file)) as other:
        other.add("anna", exemplar(voice(1)))
        assert store.add("anna", exemplar(voice(2))) == 2
        store.rename("anna", "anne")
        assert names(other) == ["anne"]
        other.delete("anne")
        assert names(store) == []


def test_a_reader_is_not_disturbed_by_a_writer(store: ProfileStore, file: Path) -> None:
    store.add("anna", exemplar(voice(1)))
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM person")
        assert names(store) == ["anna"]
        writer.execute("ROLLBACK")


@pytest.mark.parametrize("attempt", range(5))
def test_of_several_who_make_the_database_at_once_all_can_use_it(file: Path, attempt: int) -> None:
    together = threading.Barrier(4)
    failures: list[BaseException] = []

    def start() -> None:
        try:
            together.wait(10.0)
            ProfileStore(file).close()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test shows it
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20.0)
    assert failures == []
    assert {"exemplar", "person"} <= set(tables(file))


def test_a_database_of_version_0_is_brought_up_to_date(file: Path) -> None:
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (0,)
        database.execute("VACUUM")
    with closing(ProfileStore(file)) as store:
        store.add("anna", exemplar(voice(1)))
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (len(SCRIPTS),)


def test_a_database_of_a_newer_version_is_refused_and_left_alone(file: Path) -> None:
    with closing(ProfileStore(file)) as store:
        store.add("anna", exemplar(voice(1)))
    with closing(sqlite3.connect(file)) as database:
        database.execute(f"PRAGMA user_version = {len(SCRIPTS) + 1}")
    before = file.read_bytes()
    assert f"made by a newer earwitness (database version {len(SCRIPTS) + 1}" in complaint(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", [b"hello, world\n" * 100, b"\0" * 4096])
def test_a_file_that_is_no_database_is_refused_with_what_to_do(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    assert "file is not a database. Restore a backup, or move the file away" in complaint(file)
    assert file.read_bytes() == content


def test_a_damaged_page_is_found_at_the_start(file: Path) -> None:
    with closing(ProfileStore(file)) as store:
        for number in range(100):
            store.add(f"person{number}", exemplar(voice(number, 512)))
    whole = bytearray(file.read_bytes())
    page = 4096 * (len(whole) // 4096 // 2)
    whole[page : page + 400] = b"\xff" * 400
    file.write_bytes(whole)
    said = complaint(file)
    assert "damaged" in said or "malformed" in said
    assert "Restore a backup" in said


def test_a_cut_off_file_is_found_at_the_start(file: Path) -> None:
    with closing(ProfileStore(file)) as store:
        for number in range(100):
            store.add(f"person{number}", exemplar(voice(number, 512)))
    os.truncate(file, 3 * 4096)
    assert "Restore a backup" in complaint(file)


def test_a_database_that_somebody_holds_is_not_called_damaged(file: Path) -> None:
    file.parent.mkdir()
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        said = complaint(file)
    assert "database is locked. Check the disk" in said
    assert "Restore" not in said


def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be opened for writing: File exists" in complaint(tmp_path / "file" / "profiles.db")
    assert "cannot be opened for writing: Is a directory" in complaint(tmp_path)


def test_a_killed_writer_leaves_every_finished_add_and_nothing_half_done(file: Path) -> None:
    command = [sys.executable, "-c", ADD_UNTIL_KILLED, str(file)]
    promised = 0
    for wanted in (5, 17, 40):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for line in writer.stdout:
                promised += 1
                if int(line) == wanted:
                    writer.kill()
        with closing(ProfileStore(file)) as store:
            people = store.profiles()
        assert all(person.exemplars for person in people)
        assert all(len(each.vector) == 512 for person in people for each in person.exemplars)
        kept = sum(len(person.exemplars) for person in people)
        assert promised <= kept <= promised + 1  # one may have been stored and not yet told
        promised = kept


def test_a_full_disk_refuses_the_add_and_loses_nothing(tiny_disk: SmallDisk) -> None:
    file = tiny_disk.folder / "profiles.db"
    with closing(ProfileStore(file)) as store:
        added = fill(store)
        assert added > 0
        assert len(names(store)) == added
        assert all(person.exemplars for person in store.profiles())
    with closing(ProfileStore(file)) as store:
        assert len(names(store)) == added


def fill(store: ProfileStore) -> int:
    """Add people until the disk is full; how many there was room for."""
    for number in range(1000):
        try:
            store.add(f"person{number}", exemplar(voice(number, 512)))
        except sqlite3.OperationalError as error:
            if "full" not in str(error):
                raise
            return number
    raise AssertionError("the disk is not full after 1000 people")


def test_a_disk_that_is_full_from_the_start_is_said(tiny_disk: SmallDisk) -> None:
    tiny_disk.fill()
    assert "full. Check the disk" in complaint(tiny_disk.folder / "profiles.db")


def test_what_is_told_of_a_session_comes_back_and_old_sessions_have_none(
    store: ProfileStore, file: Path
) -> None:
    told = Circumstances(channel="telephone", native_rate=8000, self_llr=2.5, warnings=("too quiet",))
    store.add("anna", replace(exemplar(voice(1)), circumstances=told))
    store.add("anna", exemplar(voice(2)))
    assert [each.circumstances for each in store.profile("anna").exemplars] == [told, Circumstances()]


def test_a_database_from_before_sessions_were_described_is_read(file: Path) -> None:
    file.parent.mkdir()
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.executescript(SCRIPTS[0])
        database.execute("INSERT INTO person VALUES (1, 'anna', '2026-01-01T00:00:00Z')")
        database.execute(
            "INSERT INTO exemplar VALUES (1, 1, '2026-01-01T00:00:00Z', ?, ?, '', '', 9.0, 5, 0.9, NULL)",
            (MODEL, voice(1).tobytes()),
        )
        database.execute("PRAGMA user_version = 1")
    with closing(ProfileStore(file)) as store:
        (old,) = store.profile("anna").exemplars
        np.testing.assert_allclose(old.vector, store.turning(MODEL).turn(voice(1)), atol=1e-6)
    assert (old.speech_s, old.circumstances) == (9.0, Circumstances())


def test_one_session_can_be_removed_but_not_the_last(store: ProfileStore) -> None:
    for seed in range(2):
        store.add("anna", exemplar(voice(seed), label=str(seed)))
    store.add("ben", exemplar(voice(5)))
    first, second = (each.session for each in store.profile("anna").exemplars)
    (bens,) = (each.session for each in store.profile("ben").exemplars)
    assert problem(lambda: store.remove("anna", bens)).code == "not_found"
    assert store.remove("anna", first) == 1
    assert [each.label for each in store.profile("anna").exemplars] == ["1"]
    refused = problem(lambda: store.remove("anna", second))
    assert refused.code == "refused"
    assert f"{second} is the only session of anna" in str(refused)
    assert problem(lambda: store.remove("anna", first)).code == "not_found"
