"""A verdict's audio is cut out of the ring when all of it has come, or never will."""

from __future__ import annotations

import numpy as np

from earwitnessd.capture.messages import RATE, Samples
from earwitnessd.hearing import Hearing
from earwitnessd.listening.remembering import Remembering
from earwitnessd.settings.load import load
from earwitnessd.settings.root import Evidence
from tests.evidence.making import STREAM_ID, noise, verified
from tests.voices import Mouth

KEEP = Evidence(keep=True, before_s=1.0, after_s=2.0)


class Desk:
    """A stream that has heard some noise."""

    def __init__(self, seconds: float, *overrides: str) -> None:
        self.hearing = Hearing("desk", load(None, ["speech_gate.type=energy", *overrides]))
        self.mouth = Mouth(stream_id=STREAM_ID)
        self.hearing.on_message(self.mouth.opened(), None)
        self.heard: Samples = np.empty(0, dtype=np.float32)
        self.hear(seconds)

    def hear(self, seconds: float) -> None:
        for second in range(round(seconds)):
            samples = noise(1.0, seed=second)
            self.hearing.on_message(self.mouth.audio(samples), samples)
            self.heard = np.concatenate([self.heard, samples])


def test_the_audio_is_cut_when_what_comes_after_has_come() -> None:
    desk, remembering = Desk(11.0), Remembering(KEEP)
    remembering.note(verified(stop_s=10.0))
    assert remembering.cut(desk.hearing) == []
    desk.hear(1.0)
    (clip,) = remembering.cut(desk.hearing)
    assert (clip.start, clip.stop) == (6 * RATE, 12 * RATE)
    np.testing.assert_array_equal(clip.samples, desk.heard[6 * RATE : 12 * RATE])
    assert remembering.cut(desk.hearing) == []


def test_a_lost_stream_gives_what_there_is() -> None:
    desk, remembering = Desk(11.0), Remembering(KEEP)
    remembering.note(verified(stop_s=10.0))
    (clip,) = remembering.cut(desk.hearing, over=True)
    assert (clip.start, clip.stop) == (6 * RATE, 11 * RATE)


def test_what_memory_no_longer_holds_is_missing_from_the_beginning() -> None:
    desk, remembering = Desk(37.0), Remembering(KEEP)
    remembering.note(verified(stop_s=10.0))
    (clip,) = remembering.cut(desk.hearing)
    assert (clip.start, clip.stop) == (7 * RATE, 12 * RATE)


def test_a_longer_memory_holds_more() -> None:
    desk, remembering = Desk(37.0, "evidence.memory_s=60"), Remembering(KEEP)
    remembering.note(verified(stop_s=10.0))
    (clip,) = remembering.cut(desk.hearing)
    assert clip.start == 6 * RATE


def test_nothing_is_cut_of_an_opening_that_is_gone() -> None:
    desk, remembering = Desk(1.0), Remembering(KEEP)
    remembering.note(verified(stop_s=10.0))
    desk.mouth = Mouth(stream_id="7459ca99-desk-2")
    desk.hearing.on_message(desk.mouth.opened(), None)
    desk.hear(20.0)
    assert remembering.cut(desk.hearing) == []
