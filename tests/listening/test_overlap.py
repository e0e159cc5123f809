"""A window in which two people speak decides nothing and teaches nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earwitness.control import EnrollAudio
from earwitness.events import SpeakerVerified, WindowScored
from earwitnessd.capture.messages import Samples
from earwitnessd.engines import EmbedError, Shares, Windows
from earwitnessd.handover import Refusal
from earwitnessd.listening.overlapping import OverlapWatch
from earwitnessd.listening.parts import Parts

from ..voices import ANNA_HZ, sound_file, talking
from .engine import Engine

OTHER_HZ = 3 * ANNA_HZ
MAX_SHARE = 0.2


class TwoTones:
    """Hears a second voice where there is power at its pitch."""

    def __init__(self, error: Exception | None = None) -> None:
        self.batches: list[int] = []
        self.error = error

    def shares(self, windows: Windows) -> Shares:
        if self.error:
            raise self.error
        self.batches.append(len(windows))
        pieces = windows[:, : windows.shape[1] // 1600 * 1600].reshape(len(windows), -1, 1600)
        tone = np.exp(2j * np.pi * OTHER_HZ * np.arange(1600) / 16_000)
        heard = np.abs(pieces @ tone) / 1600 > 0.02
        share: Shares = heard.mean(axis=1).astype(np.float32)
        return share


class Watched(Engine):
    """With somebody who hears overlap."""

    def __init__(self, detector: TwoTones, max_share: float = MAX_SHARE) -> None:
        super().__init__(enrolled={"anna": ANNA_HZ})
        self.watch = OverlapWatch(detector, max_share)

    def open_parts(self) -> Parts:
        return replace(super().open_parts(), overlap=self.watch)


def together(seconds: float) -> Samples:
    both: Samples = talking(ANNA_HZ, seconds) + 0.5 * talking(OTHER_HZ, seconds)
    return both


def test_windows_in_which_two_people_speak_are_inconclusive_and_verify_nobody() -> None:
    detector = TwoTones()
    with Watched(detector) as engine:
        mouth = engine.open()
        engine.say(mouth, together(6.0))
        engine.until_said(WindowScored, 7)
        windows = engine.of(WindowScored)
        assert all("overlap" in window.inconclusive for window in windows)
        assert windows[-1].scores, "it was embedded all the same"
        assert all((window.overlap or 0.0) > MAX_SHARE for window in windows), "and says how much of it"
        assert engine.of(SpeakerVerified) == []
    assert sum(detector.batches) == len(windows)


def test_one_voice_alone_is_verified_as_ever() -> None:
    with Watched(TwoTones()) as engine:
        mouth = engine.open()
        engine.say(mouth, talking(ANNA_HZ, 6.0))
        verified = engine.until_said(SpeakerVerified, 1)
        assert verified
        assert not any("overlap" in window.inconclusive for window in engine.of(WindowScored))


def test_the_settings_say_how_much_of_it_a_window_bears() -> None:
    with Watched(TwoTones(), max_share=1.0) as engine:
        mouth = engine.open()
        engine.say(mouth, together(4.0))
        engine.until_said(WindowScored, 3)
        assert not any("overlap" in window.inconclusive for window in engine.of(WindowScored))


def test_nobody_is_enrolled_from_two_voices_at_once() -> None:
    with Watched(TwoTones()) as engine:
        answer = engine.ask(EnrollAudio(name="both"), sound_file(together(14.0)))
        assert isinstance(answer, Refusal)
        assert "two voices at once" in answer.message


def test_silence_is_not_listened_to() -> None:
    detector = TwoTones()
    with Watched(detector) as engine:
        mouth = engine.open()
        engine.say(mouth, np.zeros(80_000, np.float32))
        engine.until_said(WindowScored, 5)
        assert all(window.overlap is None for window in engine.of(WindowScored))
    assert detector.batches == []


@pytest.mark.parametrize("reason", ["the CPU has no memory"])
def test_a_detector_that_fails_ends_the_engine_and_says_why(reason: str) -> None:
    with Watched(TwoTones(EmbedError(reason))) as engine:
        mouth = engine.open()
        engine.say(mouth, together(4.0))
        engine.until(lambda: [word for word in engine.words if reason in str(word)])
