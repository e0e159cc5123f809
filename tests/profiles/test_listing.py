"""A list of everybody is counted in the database; templates stay sealed."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from earwitnessd.profiles import ProfileStore
from earwitnessd.profiles.listing import listed_of
from earwitnessd.templates.vault import Vault
from tests.profiles.making import exemplar, voice

MODEL = exemplar(voice(1)).model_id


def filled(file: Path) -> ProfileStore:
    store = ProfileStore(file)
    store.add("anna", exemplar(voice(1)))
    store.add("anna", replace(exemplar(voice(2)), speech_s=2.5))
    store.add("ben", replace(exemplar(voice(3)), model_id="another"))
    store.add("cara", exemplar(voice(4)))
    store.join("cara", "staff")
    store.join("cara", "night")
    return store


def test_what_is_counted_is_what_opening_everything_would_say(tmp_path: Path) -> None:
    with closing(filled(tmp_path / "profiles.db")) as store:
        listed = store.listed(MODEL)
        assert listed == [listed_of(person, MODEL) for person in store.profiles()]
        assert [(each.name, each.sessions, each.usable) for each in listed] == [
            ("anna", 2, 2),
            ("ben", 1, 0),
            ("cara", 1, 1),
        ]
        assert listed[2].groups == ("night", "staff")


def test_no_template_is_opened_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(filled(tmp_path / "profiles.db")) as store:

        def refuse(*_: object) -> None:
            raise AssertionError("a template was opened")

        monkeypatch.setattr(Vault, "open", refuse)
        assert len(store.listed(MODEL)) == 3


def test_a_session_that_does_not_open_is_not_counted(tmp_path: Path) -> None:
    with closing(filled(tmp_path / "profiles.db")) as store:
        store.database.execute(
            "UPDATE exemplar SET vector = zeroblob(length(vector)) WHERE id = (SELECT min(id) FROM exemplar)"
        )
        store.database.commit()
        assert [person.sessions for person in store.profiles()] == [1, 1, 1]
        assert store.unreadable
        listed = store.listed(MODEL)
        assert (listed[0].name, listed[0].sessions, listed[0].usable) == ("anna", 1, 1)
        assert store.unreadable
