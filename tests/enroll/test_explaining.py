"""A profile is explained: how good it is, why, and what would make it better."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from earwitness.control import Profile, ShowProfile
from earwitnessd.enroll.collector import Template
from earwitnessd.profiles import ProfileStore
from earwitnessd.profiles.people import People

from ..calibration.making import calibrator
from ..profiles.making import DESK, MODEL, OTHER_MODEL, exemplar, like, template, voice

ANNA = voice(1)
LONG = replace(template(ANNA), speech_s=20.0)


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    with closing(People(ProfileStore(tmp_path / "profiles.db"), MODEL, 0.8)) as opened:
        yield opened


def shown(people: People, name: str = "anna") -> Profile:
    answer, _ = people.answer(ShowProfile(name=name))
    assert isinstance(answer, Profile)
    return answer


def test_two_long_sessions_that_agree_are_good_and_need_nothing(people: People) -> None:
    people.enrol("anna", LONG, DESK)
    people.enrol("anna", replace(LONG, vector=like(ANNA, 0.95)), DESK)
    anna = shown(people)
    assert (anna.verdict, anna.findings, anna.advice) == ("good", [], [])
    assert [session.agreement_cosine for session in anna.exemplars] == [pytest.approx(0.95, abs=1e-4)] * 2
    assert anna.model_id == MODEL


def test_a_single_session_may_be_good_but_another_day_would_make_it_better(people: People) -> None:
    people.enrol("anna", LONG, DESK)
    anna = shown(people)
    assert anna.verdict == "good"
    assert anna.advice[0].startswith("add a session on another day")
    assert anna.exemplars[0].agreement_cosine is None


@pytest.mark.parametrize(
    ("session", "finding"),
    [
        (replace(LONG, speech_s=6.0), "only 6.0 s of net speech in all"),
        (replace(LONG, warnings=("noisy: 4 dB",)), "session 1: noisy: 4 dB"),
    ],
)
def test_little_speech_or_a_poor_session_make_it_fair(
    people: People, session: Template, finding: str
) -> None:
    people.enrol("anna", session, DESK)
    assert (shown(people).verdict, shown(people).findings) == ("fair", [finding])


def test_sessions_that_do_not_agree_make_it_poor_and_say_which(people: People) -> None:
    people.enrol("anna", LONG, DESK)
    people.enrol("anna", replace(LONG, vector=like(ANNA, 0.2)), DESK)
    anna = shown(people)
    assert anna.verdict == "poor"
    assert anna.findings[0].startswith("session 1 hardly sounds like the others (cosine 0.20)")


def test_somebody_who_comes_too_close_makes_it_poor(people: People) -> None:
    people.enrol("anna", LONG, DESK)
    people.enrol("ben", replace(LONG, vector=like(ANNA, 0.85)), DESK)
    anna = shown(people)
    assert (anna.verdict, anna.nearest) == ("poor", "ben")
    assert anna.findings == ["can be taken for ben (cosine 0.85, 0.80 counts as the same voice)"]


def test_of_another_model_only_nobody_is_recognised(people: People, tmp_path: Path) -> None:
    with closing(ProfileStore(tmp_path / "profiles.db")) as store:
        store.add("anna", exemplar(ANNA, OTHER_MODEL))
    anna = shown(people)
    assert (anna.verdict, anna.advice) == ("poor", ["enrol anna with this model"])


def test_with_a_calibration_everything_is_evidence(tmp_path: Path) -> None:
    store = ProfileStore(tmp_path / "calibrated.db")
    with closing(People(store, MODEL, 0.8, calibrator())) as people:
        people.enrol("anna", LONG, DESK)
        people.enrol("anna", replace(LONG, vector=like(ANNA, 0.95)), DESK)
        people.enrol("ben", replace(LONG, vector=like(ANNA, -0.3)), DESK)
        anna = shown(people)
    assert all(session.agreement_llr is not None for session in anna.exemplars)
    assert (anna.nearest, anna.nearest_bound) == ("ben", 2.0)
    assert anna.nearest_llr is not None
    assert anna.nearest_llr < 2.0
