"""Groups and operating points of people, in the profile database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from earwitnessd.decision.roster import OwnPoint
from earwitnessd.profiles import ProfileError, ProfileStore

from .making import exemplar, voice


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ProfileStore]:
    opened = ProfileStore(tmp_path / "profiles.db")
    for seed, name in enumerate(("anna", "ben")):
        opened.add(name, exemplar(voice(seed)))
    yield opened
    opened.close()


def test_somebody_new_belongs_to_no_group_and_has_no_point_of_their_own(store: ProfileStore) -> None:
    anna = store.profile("anna")
    assert (anna.groups, anna.own) == ((), OwnPoint())


def test_a_person_belongs_to_the_groups_they_joined_and_did_not_leave(store: ProfileStore) -> None:
    assert store.join("anna", "family")
    assert store.join("anna", "adults")
    assert not store.join("anna", "family")
    assert store.profile("anna").groups == ("adults", "family")
    assert store.leave("anna", "family")
    assert not store.leave("anna", "family")
    assert [person.groups for person in store.profiles()] == [("adults",), ()]


def test_an_operating_point_replaces_the_one_before(store: ProfileStore) -> None:
    store.set_point("anna", OwnPoint(target_fmr=1e-3, prior=0.1))
    store.set_point("anna", OwnPoint(target_fnmr=0.1))
    assert store.profile("anna").own == OwnPoint(target_fnmr=0.1)
    store.set_point("anna", OwnPoint())
    assert store.profile("anna").own == OwnPoint()


def test_groups_and_points_follow_a_person_to_another_name_and_into_another_run(tmp_path: Path) -> None:
    first = ProfileStore(tmp_path / "profiles.db")
    first.add("anna", exemplar(voice(0)))
    first.join("anna", "family")
    first.set_point("anna", OwnPoint(target_fmr=1e-3))
    first.rename("anna", "hannah")
    first.close()
    again = ProfileStore(tmp_path / "profiles.db")
    hannah = again.profile("hannah")
    again.close()
    assert (hannah.groups, hannah.own) == (("family",), OwnPoint(target_fmr=1e-3))


def test_a_deleted_person_leaves_nothing_behind_for_their_namesake(store: ProfileStore) -> None:
    store.join("anna", "family")
    store.set_point("anna", OwnPoint(target_fmr=1e-3))
    store.delete("anna")
    store.add("anna", exemplar(voice(5)))
    assert (store.profile("anna").groups, store.profile("anna").own) == ((), OwnPoint())


def test_who_is_not_enrolled_can_neither_join_nor_have_a_point(store: ProfileStore) -> None:
    for refused in (
        lambda: store.join("eve", "family"),
        lambda: store.leave("eve", "family"),
        lambda: store.set_point("eve", OwnPoint(target_fmr=1e-3)),
    ):
        with pytest.raises(ProfileError, match="nobody called 'eve' is enrolled"):
            refused()
