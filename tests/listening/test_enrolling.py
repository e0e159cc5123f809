"""People are enrolled, live and from recordings, while streams go on."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from earwitness.control import (
    CancelEnrollment,
    DeleteProfile,
    EnrollAudio,
    Enrolled,
    EnrollLive,
    Enrolment,
)
from earwitness.events import (
    RATE,
    EnrollProgress,
    ProfileEnrolled,
    SpeakerLost,
    SpeakerVerified,
    StreamLost,
    StreamOpened,
)
from earwitnessd.enroll.recording import Decoded, decode
from earwitnessd.handover import Answer, Ask, CaptureGone, Refusal

from ..voices import ANNA_HZ, BEN_HZ, EVE_HZ, room, sound_file, talking
from .engine import TIMEOUT_S, Engine, listed

BOTH = {"anna": ANNA_HZ, "ben": BEN_HZ}


def test_somebody_enrols_live_and_is_verified_from_then_on() -> None:
    with Engine() as engine:
        mouth = engine.open()
        engine.until_said(StreamOpened)
        answer = engine.ask(EnrollLive(name="anna", speech_s=4.0))
        assert isinstance(answer, Answer)
        assert isinstance(answer.result, Enrolment)
        assert (answer.result.stream, answer.result.needed_s) == ("desk", 4.0)
        engine.say(mouth, talking(ANNA_HZ, 9.0))
        enrolled = engine.until_said(ProfileEnrolled)
        done = engine.until(lambda: [each for each in engine.of(EnrollProgress) if each.state == "done"])[0]
        engine.say(mouth, talking(ANNA_HZ, 5.0))
        verified = engine.until_said(SpeakerVerified)
        assert listed(engine) == ["anna"]
    assert (enrolled.speaker, enrolled.exemplars) == ("anna", 1)
    assert done.enrolment == answer.result.enrolment
    assert done.speech_s >= 4.0
    assert verified.speaker == "anna"
    steps = [each.speech_s for each in engine.of(EnrollProgress)]
    assert steps == sorted(steps)


def test_a_second_voice_in_an_enrolment_is_refused() -> None:
    with Engine() as engine:
        mouth = engine.open()
        engine.until_said(StreamOpened)
        engine.ask(EnrollLive(name="anna", speech_s=9.0))
        engine.say(mouth, np.concatenate([talking(ANNA_HZ, 9.0), talking(BEN_HZ, 8.0)]))
        refused = engine.until(lambda: [e for e in engine.of(EnrollProgress) if e.state == "refused"])[0]
        assert listed(engine) == []
    assert "a second voice speaks between" in refused.hint
    assert refused.other_voice is not None
    assert refused.other_voice.start_s == pytest.approx(9.0, abs=1.5)


class SlowDecoder:
    """Decodes when it is let go."""

    def __init__(self) -> None:
        self.entered, self.let_go = threading.Event(), threading.Event()

    def __call__(self, recording: bytes) -> Decoded:
        self.entered.set()
        assert self.let_go.wait(TIMEOUT_S)
        return decode(recording)


def test_streams_are_judged_while_a_recording_is_being_decoded() -> None:
    decoder = SlowDecoder()
    with Engine(enrolled=BOTH, decode=decoder) as engine:
        mouth = engine.open()
        engine.until_said(StreamOpened)
        engine.tell(Ask(99, EnrollAudio(name="carla"), sound_file(talking(EVE_HZ, 20.0))))
        assert decoder.entered.wait(TIMEOUT_S)
        engine.say(mouth, talking(ANNA_HZ, 5.0))
        assert engine.until_said(SpeakerVerified).speaker == "anna"
        assert listed(engine) == ["anna", "ben"]
        decoder.let_go.set()
        engine.until(lambda: engine.of(ProfileEnrolled))
        assert listed(engine) == ["anna", "ben", "carla"]


def test_an_enrolment_is_cancelled_and_another_can_begin() -> None:
    with Engine() as engine:
        engine.open()
        engine.until_said(StreamOpened)
        begun = engine.ask(EnrollLive(name="anna", stream="desk"))
        assert isinstance(begun, Answer)
        assert isinstance(begun.result, Enrolment)
        again = engine.ask(EnrollLive(name="ben"))
        assert isinstance(again, Refusal)
        assert again.code == "conflict"
        assert isinstance(engine.ask(CancelEnrollment(enrolment=begun.result.enrolment)), Answer)
        assert isinstance(engine.ask(EnrollLive(name="ben")), Answer)


def test_enrolling_needs_a_stream_that_is_named_known_and_live() -> None:
    with Engine() as engine:
        engine.open("desk")
        engine.open("door")
        engine.until_said(StreamOpened, 2)
        engine.tell(CaptureGone("door", "door-1", "unplugged", final=False))
        engine.until_said(StreamLost)
        refusals = [engine.ask(EnrollLive(name="anna", stream=stream)) for stream in (None, "attic", "door")]
    said = [(each.code, each.message) for each in refusals if isinstance(each, Refusal)]
    assert said == [
        ("bad_request", "name the stream to enrol from: desk, door"),
        ("not_found", "there is no stream 'attic'; there are: desk, door"),
        ("refused", "stream door is not live: nothing can be heard there now"),
    ]


def test_somebody_is_enrolled_from_a_recording_while_a_stream_goes_on() -> None:
    with Engine(enrolled={"ben": BEN_HZ}) as engine:
        mouth = engine.open()
        engine.say(mouth, talking(BEN_HZ, 4.0))
        answer = engine.ask(EnrollAudio(name="anna", source="a.flac"), sound_file(talking(ANNA_HZ, 20.0)))
        engine.say(mouth, talking(ANNA_HZ, 5.0))
        engine.until(lambda: [each for each in engine.of(SpeakerVerified) if each.speaker == "anna"])
    assert isinstance(answer, Answer)
    assert isinstance(answer.result, Enrolled)
    assert answer.result.exemplars == 1
    assert answer.result.speech_s == pytest.approx(40 * 0.35, rel=0.2)


@pytest.mark.parametrize(
    ("recording", "why"),
    [
        (b"this is no sound", "not a sound file"),
        (sound_file(np.zeros(5 * RATE, dtype=np.float32)), "silent from beginning to end"),
        (sound_file(room(9.0)), "only 0.0 s of net speech"),
        (sound_file(talking(ANNA_HZ, 4.0)), "s of net speech, at least 2 s are needed"),
        (sound_file(np.concatenate([talking(ANNA_HZ, 9.0), talking(BEN_HZ, 9.0)])), "a second voice"),
    ],
)
def test_a_recording_that_makes_no_template_is_refused(recording: bytes, why: str) -> None:
    with Engine() as engine:
        refusal = engine.ask(EnrollAudio(name="anna"), recording)
        assert isinstance(refusal, Refusal)
        assert refusal.code == "refused"
        assert why in refusal.message
        assert listed(engine) == []


def test_a_deleted_person_is_no_longer_vouched_for() -> None:
    with Engine(enrolled=BOTH) as engine:
        mouth = engine.open()
        engine.say(mouth, talking(ANNA_HZ, 4.0))
        engine.until_said(SpeakerVerified)
        assert isinstance(engine.ask(DeleteProfile(name="anna")), Answer)
        lost = engine.until_said(SpeakerLost)
    assert (lost.previous, lost.reason) == ("anna", "profile")
