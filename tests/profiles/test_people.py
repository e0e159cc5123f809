"""Stored people become a matrix to score with, and answers to whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earwitness.control import (
    DeleteProfile,
    Done,
    ListProfiles,
    Profile,
    Profiles,
    RemoveSession,
    RenameProfile,
    ShowProfile,
)
from earwitness.events import ProfileDeleted, ProfileEnrolled, ProfileUpdated
from earwitnessd.enroll.origin import Origin
from earwitnessd.profiles import ProfileError, ProfileStore
from earwitnessd.profiles.people import People

from .making import DESK, MODEL, OTHER_MODEL, exemplar, like, template, voice

THRESHOLD = 0.7


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return ProfileStore(tmp_path / "profiles.db")


@pytest.fixture
def people(store: ProfileStore) -> Iterator[People]:
    opened = People(store, MODEL, THRESHOLD)
    with closing(opened):
        yield opened


def profiles_of(people: People) -> Profiles:
    answer, _ = people.answer(ListProfiles())
    assert isinstance(answer, Profiles)
    return answer


def profile_of(people: People, name: str) -> Profile:
    answer, _ = people.answer(ShowProfile(name=name))
    assert isinstance(answer, Profile)
    return answer


def test_nobody_is_enrolled_in_a_new_database(people: People) -> None:
    assert people.matrix.names == ()
    assert profiles_of(people) == Profiles(model_id=MODEL, profiles=[])


def test_the_first_enrolment_makes_a_person_and_the_next_one_another_exemplar(people: People) -> None:
    enrolled, (first,) = people.enrol("anna", template(voice(1)), DESK)
    assert (enrolled.name, enrolled.exemplars, enrolled.speech_s, enrolled.warnings) == ("anna", 1, 10.0, [])
    assert isinstance(first, ProfileEnrolled)
    assert (first.speaker, first.exemplars, first.speech_s) == ("anna", 1, 10.0)
    enrolled, (second,) = people.enrol("anna", template(voice(1)), Origin("file a.wav"))
    assert enrolled.exemplars == 2
    assert isinstance(second, ProfileUpdated)
    assert (second.speaker, second.exemplars, second.renamed_from) == ("anna", 2, None)


def test_whoever_is_enrolled_is_compared_at_once(people: People) -> None:
    people.enrol("anna", template(voice(1)), Origin("recording"))
    (score,) = people.matrix.scores(voice(1))
    assert score.speaker == "anna"
    assert score.cosine == pytest.approx(1.0)


def test_exemplars_of_another_model_are_listed_but_never_compared(
    store: ProfileStore, people: People
) -> None:
    store.add("anna", exemplar(voice(1, 32), OTHER_MODEL))
    store.add("ben", exemplar(voice(2)))
    store.add("ben", exemplar(voice(3, 32), OTHER_MODEL))
    people.reload()
    assert people.matrix.names == ("ben",)
    assert len(people.matrix.vectors) == 1
    assert people.other_model == 1
    listed = {each.name: (each.exemplars, each.usable) for each in profiles_of(people).profiles}
    assert listed == {"anna": (1, 0), "ben": (2, 1)}
    assert [each.usable for each in profile_of(people, "ben").exemplars] == [True, False]
    assert profile_of(people, "anna").nearest is None


def test_a_person_is_shown_with_the_other_they_sound_most_like(people: People) -> None:
    people.enrol("anna", template(voice(1)), DESK)
    assert (profile_of(people, "anna").nearest, profile_of(people, "anna").nearest_cosine) == (None, None)
    people.enrol("ben", template(like(voice(1), 0.6)), Origin("recording"))
    people.enrol("carla", template(like(voice(1), 0.3)), Origin("recording"))
    anna = profile_of(people, "anna")
    assert anna.nearest == "ben"
    assert anna.nearest_cosine == pytest.approx(0.6, abs=1e-5)
    assert (anna.exemplars[0].label, anna.exemplars[0].source) == ("headset", "stream desk")


def test_a_deleted_person_is_no_longer_compared(people: People) -> None:
    people.enrol("anna", template(voice(1)), Origin("recording"))
    answer, (deleted,) = people.answer(DeleteProfile(name="anna"))
    assert answer == Done(message="anna is no longer enrolled")
    assert isinstance(deleted, ProfileDeleted)
    assert deleted.speaker == "anna"
    assert people.matrix.names == ()


def test_a_renamed_person_is_compared_under_the_new_name(people: People) -> None:
    people.enrol("anna", template(voice(1)), Origin("recording"))
    _, (renamed,) = people.answer(RenameProfile(name="anna", new_name="anne"))
    assert isinstance(renamed, ProfileUpdated)
    assert (renamed.speaker, renamed.exemplars, renamed.renamed_from) == ("anne", 1, "anna")
    assert people.matrix.names == ("anne",)


@pytest.mark.parametrize(
    "method",
    [ShowProfile(name="eve"), DeleteProfile(name="eve"), RenameProfile(name="eve", new_name="anna")],
)
def test_asking_for_somebody_who_is_not_enrolled_is_refused(
    people: People, method: ShowProfile | DeleteProfile | RenameProfile
) -> None:
    with pytest.raises(ProfileError) as refused:
        people.answer(method)
    assert refused.value.code == "not_found"


def test_a_reload_brings_what_another_program_has_stored(store: ProfileStore, people: People) -> None:
    with closing(ProfileStore(store.file)) as other:
        other.add("anna", exemplar(voice(1)))
    assert not people.matrix.names
    people.reload()
    assert people.matrix.names == ("anna",)


def test_a_session_is_removed_and_no_longer_compared(people: People) -> None:
    people.enrol("anna", template(voice(1)), DESK)
    people.enrol("anna", template(voice(2)), DESK)
    first = profile_of(people, "anna").exemplars[0].session
    answer, (updated,) = people.answer(RemoveSession(name="anna", session=first))
    assert answer == Done(message=f"session {first} of anna is gone, 1 left")
    assert isinstance(updated, ProfileUpdated)
    assert (updated.speaker, updated.exemplars) == ("anna", 1)
    np.testing.assert_allclose(people.matrix.vectors, voice(2)[np.newaxis], atol=1e-6)


def test_what_a_session_came_through_is_kept_and_known_of_a_person_only_if_of_all_sessions(
    people: People,
) -> None:
    over = replace(template(voice(1)), channel="telephone", warnings=("too quiet",))
    people.enrol("anna", over, DESK, ("too quiet", "sounds like ben"))
    assert dict(people.matrix.channels) == {"anna": {"telephone"}}
    (shown,) = profile_of(people, "anna").exemplars
    assert (shown.channel, shown.device, shown.native_rate) == ("telephone", "Built-in Audio", 48_000)
    assert shown.warnings == ["too quiet"]
    people.enrol("anna", replace(template(voice(1)), channel="wideband"), DESK)
    assert dict(people.matrix.channels) == {"anna": {"telephone", "wideband"}}
    people.enrol("anna", template(voice(1)), DESK)
    assert dict(people.matrix.channels) == {}
