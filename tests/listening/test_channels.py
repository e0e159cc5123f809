"""Somebody who was enrolled over a microphone is heard over a telephone: it is said, or decides nothing."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from earwitness.control import EnrollAudio, Enrolled, Profile, ShowProfile
from earwitness.events import SpeakerVerified, WindowScored
from earwitnessd.capture.messages import RATE, Samples
from earwitnessd.channel import Powers, speech_powers
from earwitnessd.handover import Answer
from earwitnessd.hearing import Arrival, HeardWindow
from earwitnessd.listening import channel_watch
from earwitnessd.listening.channel_watch import ChannelWatch
from earwitnessd.quality import measure
from earwitnessd.settings.root import Quality, Settings
from earwitnessd.windows import Window

from ..voices import sound_file, speech, telephone
from .engine import PATIENT, Engine

STRICT = msgspec.structs.replace(PATIENT, quality=Quality(channel_mismatch="inconclusive"))
SILENT = msgspec.structs.replace(PATIENT, quality=Quality(channel_mismatch="ignore"))


def test_only_a_window_of_which_half_is_new_is_listened_to() -> None:
    watch = ChannelWatch()
    clear, muffled = speech(), telephone(speech())
    for start, samples, kind in (
        (0, clear, "wideband"),
        (RATE, muffled, "wideband"),
        (3 * RATE // 2, muffled, "wideband"),
        (30 * RATE, muffled, "telephone"),
    ):
        watch.hear(window(start, samples[: 3 * RATE]))
        assert watch.kind == kind


def test_a_channel_that_is_known_is_listened_to_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []

    def listened(samples: Samples) -> Powers:
        heard.append(start)
        return speech_powers(samples)

    monkeypatch.setattr(channel_watch, "speech_powers", listened)
    watch = ChannelWatch()
    for start in range(0, 34 * RATE, RATE):
        quiet = start < 6 * RATE
        watch.hear(window(start, np.zeros(3 * RATE, np.float32) if quiet else speech()[: 3 * RATE]))
    assert [start // RATE for start in heard] == [0, 3, 6, 15, 24, 33]


def test_another_opening_is_listened_to_at_once() -> None:
    watch = ChannelWatch()
    watch.hear(window(0, speech()[: 3 * RATE]))
    watch.hear(window(0, telephone(speech())[: 3 * RATE], stream_id="desk-2"))
    assert watch.kind == "telephone"


def window(start: int, samples: Samples, stream_id: str = "desk-1") -> HeardWindow:
    """Of speech without a flaw."""
    heard = Window("desk", stream_id, start, samples, ())
    return HeardWindow(heard, 3.0, 0.5, measure(samples), (), Arrival(heard.stop, 0, 0))


def scored(settings: Settings, *enrolled: Samples) -> tuple[list[WindowScored], list[SpeakerVerified]]:
    """What is said of a telephone call by somebody who was enrolled by these recordings."""
    with Engine(settings=settings) as engine:
        for recording in enrolled:
            assert isinstance(engine.ask(EnrollAudio(name="anna"), sound_file(recording)), Answer)
        mouth = engine.open()
        engine.say(mouth, telephone(speech()))
        windows = (mouth.position - 48_000) // 8_000 + 1
        engine.until_said(WindowScored, windows)
        return engine.of(WindowScored), engine.of(SpeakerVerified)


def test_a_window_over_another_channel_says_so_and_what_to_do() -> None:
    windows, verified = scored(PATIENT, speech())
    last = windows[-1]
    assert (last.channel, last.doubts) == ("telephone", ["channel_mismatch"])
    assert last.advice == (
        "anna is enrolled over a wideband microphone only, and this sounds like a telephone: "
        "add a session over it (earwitness enroll anna --stream desk)"
    )
    assert "channel_mismatch" not in last.inconclusive
    assert verified
    assert {tuple(each.doubts) for each in verified} == {("channel_mismatch",)}


def test_the_settings_can_make_it_inconclusive() -> None:
    windows, verified = scored(STRICT, speech())
    assert windows[-1].inconclusive == ["channel_mismatch"]
    assert verified == []


def test_the_settings_can_ignore_it() -> None:
    windows, verified = scored(SILENT, speech())
    assert (windows[-1].channel, windows[-1].doubts, windows[-1].advice) == ("telephone", [], "")
    assert verified
    assert verified[0].doubts == []


@pytest.mark.parametrize("settings", [PATIENT, STRICT])
def test_a_session_over_the_telephone_ends_it(settings: Settings) -> None:
    windows, verified = scored(settings, speech(), telephone(speech()))
    assert all(window.doubts == [] for window in windows)
    assert not any("channel_mismatch" in window.inconclusive for window in windows)
    assert verified


def test_what_a_recording_came_through_is_told_and_shown() -> None:
    with Engine() as engine:
        answer = engine.ask(EnrollAudio(name="anna"), sound_file(telephone(speech())))
        assert isinstance(answer, Answer)
        assert isinstance(answer.result, Enrolled)
        assert answer.result.channel == "telephone"
        shown = engine.ask(ShowProfile(name="anna"))
    assert isinstance(shown, Answer)
    assert isinstance(shown.result, Profile)
    assert [session.channel for session in shown.result.exemplars] == ["telephone"]
    assert any("over the telephone only" in advice for advice in shown.result.advice)
