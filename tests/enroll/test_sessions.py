"""Enrolments under way: one a stream, each ending in a profile, a refusal or a cancellation."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from earwitness.control import CancelEnrollment, EnrollAudio, EnrollLive
from earwitness.events import EnrollProgress, Event, ProfileEnrolled
from earwitnessd.enroll.collector import EnrolmentRefusedError
from earwitnessd.enroll.sessions import Enrolments, RecordingEnrolment
from earwitnessd.profiles import ProfileError, ProfileStore
from earwitnessd.profiles.people import People

from ..profiles.making import MODEL, like, voice
from .making import heard

THRESHOLD = 0.8
ANNA = voice(1)


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    with closing(People(ProfileStore(tmp_path / "profiles.db"), MODEL, THRESHOLD)) as opened:
        yield opened


@pytest.fixture
def enrolments(people: People) -> Enrolments:
    return Enrolments(people, THRESHOLD)


def progress(events: list[Event]) -> EnrollProgress:
    """The last word on the enrolment."""
    last = events[-1]
    assert isinstance(last, EnrollProgress)
    return last


def start(
    enrolments: Enrolments, stream: str = "desk", speech_s: float = 5.0, timeout_s: float = 60.0
) -> str:
    request = EnrollLive(name="anna", speech_s=speech_s, timeout_s=timeout_s)
    return enrolments.start(request, stream, "headset").enrolment


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


def test_a_second_voice_refuses_the_enrolment(enrolments: Enrolments, people: People) -> None:
    start(enrolments, speech_s=60.0)
    for _ in range(3):
        enrolments.on_window("desk", heard(), ANNA)
    ben = like(ANNA, 0.1)
    assert progress(enrolments.on_window("desk", heard(), ben)).state == "listening"
    refused = progress(enrolments.on_window("desk", heard(), ben))
    assert refused.state == "refused"
    assert "a second voice" in refused.hint
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


def test_an_enrolment_whose_time_is_up_is_refused(enrolments: Enrolments) -> None:
    start(enrolments, "door", timeout_s=3600.0)
    start(enrolments, "desk", timeout_s=-1.0)
    (refused,) = enrolments.expire()
    assert progress([refused]).state == "refused"
    assert (progress([refused]).stream, progress([refused]).hint[:10]) == ("desk", "time is up")
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


def test_a_warning_is_told_at_the_end(enrolments: Enrolments) -> None:
    start(enrolments)
    for _ in range(3):
        enrolments.on_window("desk", heard(), ANNA)
    enrolments.start(EnrollLive(name="ben", speech_s=5.0), "desk", "")
    done = progress([event for _ in range(3) for event in enrolments.on_window("desk", heard(), ANNA)])
    assert done.state == "done"
    assert done.hint.startswith("sounds like anna")


def test_a_recording_is_taken_a_few_windows_at_a_time() -> None:
    windows = iter([heard(start=start) for start in range(5)])
    recording = RecordingEnrolment(1, EnrollAudio(name="anna"), windows, THRESHOLD)
    sizes = []
    while not recording.over:
        sizes.append(len(recording.take(2)))
    assert sizes == [2, 2, 1]


def test_a_recording_becomes_a_profile_or_is_refused(enrolments: Enrolments, people: People) -> None:
    request = EnrollAudio(name="anna", label="phone", source="a.wav")
    recording = RecordingEnrolment(1, request, iter([]), THRESHOLD)
    with pytest.raises(EnrolmentRefusedError, match="only 0 usable windows"):
        enrolments.finish(recording)
    for _ in range(3):
        recording.collector.add(heard(), ANNA)
    enrolled, events = enrolments.finish(recording)
    assert (enrolled.name, enrolled.exemplars, enrolled.speech_s) == ("anna", 1, 5.0)
    assert isinstance(events[0], ProfileEnrolled)
    assert people.matrix.names == ("anna",)
