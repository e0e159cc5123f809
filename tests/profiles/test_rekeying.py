"""Another key whenever wanted, and nothing but the key opens."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from earwitnessd.cli import app
from earwitnessd.profiles import ProfileStore, StoreError
from earwitnessd.profiles.rekeying import change_to, rotate_key
from earwitnessd.templates.key import TemplateKey
from earwitnessd.templates.key_file import KeyPlace, write_key

from .disk import DIMENSION, on_disk, sealed
from .making import MODEL, exemplar, voice

ROTATE_FOR_EVER = """
import sys
from pathlib import Path
from earwitnessd.profiles.rekeying import rotate_key
from earwitnessd.templates.key_file import KeyPlace

file = Path(sys.argv[1])
while True:
    print(rotate_key(file, KeyPlace.find("auto", file)).new_id, flush=True)
"""


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
            assert abs(float(again.turn(probe) @ old[number])) < 0.6  # as strangers in 128 dimensions
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
