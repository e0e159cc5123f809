"""The audio of enrolments lies sealed in its place, and goes with its session."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from earwitnessd.cli import app
from earwitnessd.profiles import ProfileError, ProfileStore
from earwitnessd.profiles.recordings import Waiting, count_audio, kept_audio, name_of, waiting_for
from earwitnessd.profiles.rekeying import rotate_key
from earwitnessd.templates.errors import SealError
from earwitnessd.templates.key_file import KeyPlace

from .making import MODEL, OTHER_MODEL, exemplar, voice

SAID = b"what anna said, again and again" * 100


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ProfileStore]:
    """Anna with two sessions, of one of which the audio is kept; ben without."""
    with closing(ProfileStore(tmp_path / "profiles.db")) as opened:
        opened.add("anna", replace(exemplar(voice(1)), audio=SAID))
        opened.add("anna", exemplar(voice(2)))
        opened.add("ben", exemplar(voice(3)))
        yield opened


def said(store: ProfileStore) -> bytes:
    (waiting,) = waiting_for(store.database, OTHER_MODEL)
    return kept_audio(store.database, store.vault, waiting)


def test_audio_lies_on_the_disk_sealed_and_comes_back(store: ProfileStore, tmp_path: Path) -> None:
    assert said(store) == SAID
    with closing(sqlite3.connect(store.file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    on_disk = b"".join(each.read_bytes() for each in tmp_path.glob("profiles.db*"))
    assert b"what anna said" not in on_disk


def test_only_a_model_without_a_template_of_the_session_waits(store: ProfileStore) -> None:
    assert waiting_for(store.database, MODEL) == []
    (waiting,) = waiting_for(store.database, OTHER_MODEL)
    assert (waiting.name, waiting.session) == ("anna", 1)
    store.add_template("anna", 1, exemplar(voice(4), OTHER_MODEL))
    assert waiting_for(store.database, OTHER_MODEL) == []
    anna = store.profile("anna")
    assert (anna.sessions, len(anna.exemplars)) == (2, 3)


def test_a_session_goes_with_its_audio_and_every_models_template(store: ProfileStore) -> None:
    store.add_template("anna", 1, exemplar(voice(4), OTHER_MODEL))
    made = next(each for each in store.profile("anna").exemplars if each.of_session == 1)
    assert store.remove("anna", made.session) == 1, "its template may be named as well"
    assert [each.session for each in store.profile("anna").exemplars] == [2]
    assert count_audio(store.database) == 0
    with pytest.raises(ProfileError, match="only session"):
        store.remove("anna", 2)


def test_a_session_that_is_gone_gets_no_template(store: ProfileStore) -> None:
    (waiting,) = waiting_for(store.database, OTHER_MODEL)
    store.remove("anna", 1)
    assert kept_audio(store.database, store.vault, waiting) == b""
    assert name_of(store.database, waiting) is None
    with pytest.raises(ProfileError, match="no session 1"):
        store.add_template("anna", 1, exemplar(voice(4), OTHER_MODEL))


def test_audio_stays_with_whoever_is_renamed(store: ProfileStore) -> None:
    store.rename("anna", "anne")
    assert said(store) == SAID


def test_audio_opens_nowhere_but_in_its_place(store: ProfileStore) -> None:
    store.database.execute("UPDATE kept_audio SET session = 3")
    with pytest.raises(SealError, match="the audio of session 3 does not open"):
        kept_audio(store.database, store.vault, Waiting(3, 2, "ben"))


def test_another_key_seals_audio_and_every_models_template_anew(tmp_path: Path) -> None:
    file = tmp_path / "profiles.db"
    place = KeyPlace.find("auto", file)
    with closing(ProfileStore(file, key=place)) as before:
        before.add("anna", replace(exemplar(voice(1)), audio=SAID))
        before.add_template("anna", 1, exemplar(voice(4), OTHER_MODEL))
        (old,) = before.database.execute("SELECT sealed FROM kept_audio").fetchone()
        plain = before.vault.rotation(OTHER_MODEL, 16).back(voice(4))
    rotate_key(file, place)
    with closing(ProfileStore(file, key=place)) as after:
        (new,) = after.database.execute("SELECT sealed FROM kept_audio").fetchone()
        assert new != old
        (waiting,) = waiting_for(after.database, "a third@3333")
        assert kept_audio(after.database, after.vault, waiting) == SAID
        made = next(each for each in after.profile("anna").exemplars if each.of_session)
        turned = after.vault.rotation(OTHER_MODEL, 16).turn(plain)
        np.testing.assert_allclose(made.vector, turned, atol=1e-6)


def test_who_is_carried_elsewhere_has_as_many_sessions_there_and_no_audio(
    store: ProfileStore, tmp_path: Path
) -> None:
    store.add_template("anna", 1, exemplar(voice(4), OTHER_MODEL))
    carried = store.take_out("anna")
    assert [session.of for session in carried.sessions] == [None, None, 0]
    with closing(ProfileStore(tmp_path / "elsewhere" / "profiles.db")) as elsewhere:
        elsewhere.add("ben", exemplar(voice(3)))
        elsewhere.bring_in(carried, "anna")
        anna = elsewhere.profile("anna")
        assert (anna.sessions, len(anna.exemplars)) == (2, 3)
        assert anna.exemplars[2].of_session == anna.exemplars[0].session
        assert count_audio(elsewhere.database) == 0
        first = msgspec.structs.replace(carried.sessions[0], of=0)
        with pytest.raises(ProfileError, match="of no session before it"):
            elsewhere.bring_in(msgspec.structs.replace(carried, sessions=(first,)), "eve")
        assert [person.name for person in elsewhere.profiles()] == ["anna", "ben"]


def test_the_command_forgets_audio_and_leaves_everybody_enrolled(store: ProfileStore) -> None:
    settings = ["--set", f"profiles={store.file}"]
    shown = CliRunner().invoke(app, ["templates", "show", *settings])
    assert "audio     of 1 sessions is kept, encrypted" in shown.output, shown.output
    done = CliRunner().invoke(app, ["templates", "forget-audio", *settings])
    assert done.exit_code == 0, done.output
    assert "the audio of 1 sessions is gone" in done.output
    assert count_audio(store.database) == 0
    assert [person.sessions for person in store.profiles()] == [2, 1]
