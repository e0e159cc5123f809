"""Enrolments under way: one a stream, each ending in a profile, a refusal or a cancellation."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from earwitness.control import CancelEnrollment, EnrollAudio, EnrollLive, Profile, ShowProfile
from earwitness.events import EnrollProgress, Event, ProfileEnrolled
from earwitnessd.enroll.errors import EnrolmentRefusedError
from earwitnessd.enroll.origin import Origin
from earwitnessd.enroll.sessions import Enrolments, RecordingEnrolment
from earwitnessd.hearing import HeardWindow
from earwitnessd.profiles import ProfileError, ProfileStore
from earwitnessd.profiles.people import People
from earwitnessd.score import Vector
from earwitnessd.settings.enrolment import Enrolment, Policy

from ..calibration.making import calibrator
from ..profiles.making import DESK, MODEL, like, voice
from ..voices import ENERGY
from .making import LENGTH, heard

THRESHOLD = 0.8
ANNA = voice(1)


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    with closing(People(ProfileStore(tmp_path / "profiles.db"), MODEL, THRESHOLD)) as opened:
        yield opened


@pytest.fixture
def enrolments(people: People) -> Enrolments:
    return Enrolments(people, ENERGY)


def progress(events: list[Event]) -> EnrollProgress:
    """The last word on the enrolment."""
    last = events[-1]
    assert isinstance(last, EnrollProgress)
    return last


def start(
    enrolments: Enrolments, stream: str = "desk", speech_s: float = 5.0, timeout_s: float = 60.0
) -> str:
    request = EnrollLive(name="anna", speech_s=speech_s, timeout_s=timeout_s)
    return enrolments.start(request, stream, DESK).enrolment


def test_each_window_is_told_and_the_last_one_makes_the_profile(
    enrolments: Enrolments, people: People
) -> None:
    identity = start(enrolments)
    assert enrolments.wanted("desk")
    said = [enrolments.on_window("desk", heard(), ANNA) for _ in range(3)]
    states = [progress(events).state for events in said]
    assert states == ["listening", "listening", "done"]
    assert [progress(events).speech_s for events in said] == [2.5, 3.75, 5.0]
    assert {(progress(events).enrolment, progress(events).needed_s) for events in said} == {(identity, 5.0)}
    assert isinstance(said[-1][0], ProfileEnrolled)
    assert people.matrix.names == ("anna",)
    assert not enrolments.wanted("desk")
    assert enrolments.on_window("desk", heard(), ANNA) == []


def test_little_speech_that_is_asked_for_still_takes_enough_windows(
    enrolments: Enrolments, people: People
) -> None:
    start(enrolments, speech_s=2.0)
    states = [progress(enrolments.on_window("desk", heard(), ANNA)).state for _ in range(3)]
    assert states == ["listening", "listening", "done"]
    assert people.matrix.names == ("anna",)


def test_a_second_voice_is_told_at_once_and_refuses_the_enrolment_at_its_end(
    enrolments: Enrolments, people: People
) -> None:
    start(enrolments, speech_s=12.0)
    voices = [*[ANNA] * 5, *[like(ANNA, 0.1)] * 4]
    said = [
        progress(enrolments.on_window("desk", heard(start=number * LENGTH // 2), vector))
        for number, vector in enumerate(voices)
    ]
    assert [each.other_voice is None for each in said] == [True] * 6 + [False] * 3
    told = said[-2]
    assert told.state == "listening"
    assert told.hint.startswith("another voice was heard between ")
    assert told.other_voice is not None
    assert told.other_voice.start_s == pytest.approx(8.25)
    assert told.other_voice.llr is None
    assert said[-1].state == "refused"
    assert "a second voice speaks between" in said[-1].hint
    assert people.matrix.names == ()
    assert not enrolments.wanted("desk")


def test_other_streams_do_not_count(enrolments: Enrolments) -> None:
    start(enrolments, "desk")
    assert enrolments.on_window("door", heard(), ANNA) == []
    assert not enrolments.wanted("door")


def test_a_stream_carries_one_enrolment_at_a_time_and_two_streams_two(enrolments: Enrolments) -> None:
    start(enrolments, "desk")
    start(enrolments, "door")
    with pytest.raises(ProfileError, match="anna is being enrolled from stream desk right now") as refused:
        start(enrolments, "desk")
    assert refused.value.code == "conflict"


def test_a_cancelled_enrolment_leaves_nothing(enrolments: Enrolments, people: People) -> None:
    identity = start(enrolments)
    enrolments.on_window("desk", heard(), ANNA)
    _, events = enrolments.cancel(CancelEnrollment(enrolment=identity))
    assert progress(events).state == "cancelled"
    assert not enrolments.wanted("desk")
    assert people.matrix.names == ()
    with pytest.raises(ProfileError) as refused:
        enrolments.cancel(CancelEnrollment(enrolment=identity))
    assert refused.value.code == "not_found"


def test_an_enrolment_whose_time_is_up_is_refused_with_what_was_missing(enrolments: Enrolments) -> None:
    start(enrolments, "door", timeout_s=3600.0)
    start(enrolments, "desk", timeout_s=-1.0)
    enrolments.on_window("desk", heard(), ANNA)
    (refused,) = enrolments.expire()
    last = progress([refused])
    assert (last.stream, last.state) == ("desk", "refused")
    assert last.hint == (
        "time is up: only 2.5 s of net speech, at least 5 s are needed: speak for another 3 s"
    )
    assert enrolments.wanted("door")
    assert enrolments.expire() == []


def test_a_disk_that_takes_no_profile_refuses_the_enrolment(
    enrolments: Enrolments, people: People, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "profiles.db", isolation_level=None)) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON exemplar BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
    start(enrolments)
    refused = progress([event for _ in range(3) for event in enrolments.on_window("desk", heard(), ANNA)])
    assert refused.state == "refused"
    assert "the profile was not stored (no room): check the disk" in refused.hint
    assert people.matrix.names == ()


def enrolled_as(enrolments: Enrolments, name: str, vector: Vector) -> EnrollProgress:
    """The last word on an enrolment of this voice."""
    enrolments.start(EnrollLive(name=name, speech_s=5.0), "desk", DESK)
    said = [enrolments.on_window("desk", heard(start=n * LENGTH // 2), vector) for n in range(3)]
    return progress([event for events in said for event in events])


def with_policy(people: People, policy: Policy) -> Enrolments:
    enrolment = Enrolment(min_speech_s=2.0, similar=policy, other_person=policy)
    return Enrolments(people, msgspec.structs.replace(ENERGY, enrolment=enrolment))


def test_sounding_like_somebody_else_warns_at_the_end(enrolments: Enrolments, people: People) -> None:
    assert enrolled_as(enrolments, "anna", ANNA).warnings == []
    done = enrolled_as(enrolments, "ben", like(ANNA, 0.85))
    assert done.state == "done"
    (warning,) = done.warnings
    assert done.hint == warning
    assert warning.startswith(
        "sounds like anna, who is already enrolled (cosine 0.85, 0.80 counts as the same voice)"
    )
    assert enrolled_as(enrolments, "carla", like(ANNA, 0.5, 7)).warnings == []
    assert people.matrix.names == ("anna", "ben", "carla")


def test_a_further_session_that_does_not_fit_warns(enrolments: Enrolments) -> None:
    enrolled_as(enrolments, "anna", ANNA)
    assert enrolled_as(enrolments, "anna", like(ANNA, 0.9)).warnings == []
    (warning,) = enrolled_as(enrolments, "anna", like(ANNA, 0.3, 5)).warnings
    assert warning.startswith("does not sound like the anna already enrolled (cosine 0.")


def test_the_settings_make_it_a_refusal_or_ignore_it(people: People) -> None:
    strict, silent = with_policy(people, "refuse"), with_policy(people, "ignore")
    enrolled_as(strict, "anna", ANNA)
    for name, vector in (("ben", like(ANNA, 0.85)), ("anna", like(ANNA, 0.3))):
        assert enrolled_as(strict, name, vector).state == "refused"
    assert people.matrix.names == ("anna",)
    for name, vector in (("ben", like(ANNA, 0.85)), ("anna", like(ANNA, 0.3))):
        done = enrolled_as(silent, name, vector)
        assert (done.state, done.warnings) == ("done", [])


def test_with_a_calibration_likeness_is_evidence(tmp_path: Path) -> None:
    store = ProfileStore(tmp_path / "calibrated.db")
    with closing(People(store, MODEL, THRESHOLD, calibrator())) as people:
        enrolments = Enrolments(people, ENERGY)
        enrolled_as(enrolments, "anna", ANNA)
        (warning,) = enrolled_as(enrolments, "ben", like(ANNA, 0.97)).warnings
    assert "sounds like anna, who is already enrolled (evidence +" in warning
    assert "+2.0 counts as the same voice" in warning


def recorded(enrolments: Enrolments, windows: list[HeardWindow]) -> RecordingEnrolment:
    request = EnrollAudio(name="anna", label="phone", source="a.wav")
    origin = Origin("file a.wav", "phone", "WAV", 8000)
    return RecordingEnrolment(1, request, iter(windows), origin, enrolments.collector())


def test_a_recording_is_taken_a_few_windows_at_a_time(enrolments: Enrolments) -> None:
    recording = recorded(enrolments, [heard(start=start) for start in range(5)])
    sizes = []
    while not recording.over:
        sizes.append(len(recording.take(2)))
    assert sizes == [2, 2, 1]


def test_a_recording_becomes_a_profile_or_is_refused(enrolments: Enrolments, people: People) -> None:
    recording = recorded(enrolments, [])
    with pytest.raises(EnrolmentRefusedError, match=r"only 0\.0 s of net speech"):
        enrolments.finish(recording)
    for number in range(3):
        recording.collector.add(heard(start=number * LENGTH // 2), ANNA)
    enrolled, events = enrolments.finish(recording)
    assert (enrolled.name, enrolled.exemplars, enrolled.speech_s) == ("anna", 1, 5.0)
    assert isinstance(events[0], ProfileEnrolled)
    assert people.matrix.names == ("anna",)
    answer, _ = people.answer(ShowProfile(name="anna"))
    assert isinstance(answer, Profile)
    (shown,) = answer.exemplars
    assert (shown.source, shown.label, shown.native_rate) == ("file a.wav", "phone", 8000)
