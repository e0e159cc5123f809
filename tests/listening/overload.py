"""Real hearings on a virtual clock, and a model that takes as long as it is told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from earwitnessd.capture.messages import RATE, Samples
from earwitnessd.hearing import HeardWindow, Hearing
from earwitnessd.listening.turns import Turns
from earwitnessd.settings.root import Settings, Windows
from earwitnessd.settings.speech_gate import SpeechGateSettings

from ..voices import ANNA_HZ, Mouth, room, talking

HOP_S = 0.5
LENGTH_S = 1.0
BLOCK = RATE // 8
SETTINGS = Settings(
    speech_gate=SpeechGateSettings(type="energy", min_speech_s=0.3),
    windows=Windows(length_s=LENGTH_S, hop_s=HOP_S),
)
SPEECH = np.tile(talking(ANNA_HZ, 2.0), 100)
SILENCE = room(200.0)

TICK_S = 0.01

Cost = Callable[[int], float]
# seconds that a batch of so many windows takes


@dataclass(slots=True)
class Embedded:
    """One window that the model heard."""

    stream: str
    stop: int
    done_s: float

    @property
    def age_s(self) -> float:
        """From its last sample to its embedding."""
        return self.done_s - self.stop / RATE


@dataclass(slots=True)
class Stream:
    """What is said, and who hears it."""

    hearing: Hearing
    mouth: Mouth
    said: Samples
    late: int
    # samples by which its blocks come later than the clock's
    pace: float = 1.0
    # so many seconds of audio come in one: more than 1 is a flood


class Overload:
    """The engine's loop without a thread, a socket or a real clock: intake, batch, and time passes."""

    def __init__(self, cost: Cost, max_lag_s: float = 2.0) -> None:
        self.turns = Turns(HOP_S, max_lag_s)
        self.now_s = 0.0
        self.streams: list[Stream] = []
        self.batches: list[list[Embedded]] = []
        self.silent: list[HeardWindow] = []
        self._cost = cost

    def add(self, said: Samples = SPEECH, late: int = 0, pace: float = 1.0) -> Stream:
        name = f"s{len(self.streams)}"
        mouth = Mouth(name, f"{name}-1")
        hearing = Hearing(name, SETTINGS)
        hearing.on_message(mouth.opened(), None)
        self.streams.append(Stream(hearing, mouth, said, late, pace))
        return self.streams[-1]

    def run(self, until_s: float) -> None:
        while self.now_s < until_s:
            self._intake()
            windows = self.turns.take([each.hearing for each in self.streams], lambda heard: heard.embeddable)
            heard = [window for window in windows if window.embeddable]
            self.silent += [window for window in windows if not window.embeddable]
            if heard:
                seconds = self._cost(len(heard))
                self.now_s += seconds
                self.turns.took(len(heard), seconds)
                self.batches.append([Embedded(w.window.stream, w.window.stop, self.now_s) for w in heard])
            else:
                self.now_s += TICK_S

    @property
    def embedded(self) -> list[Embedded]:
        return [window for batch in self.batches for window in batch]

    def of(self, stream: Stream) -> list[Embedded]:
        return [each for each in self.embedded if each.stream == stream.mouth.stream]

    def _intake(self) -> None:
        for each in self.streams:
            while each.mouth.position + BLOCK + each.late <= self.now_s * RATE * each.pace:
                start = each.mouth.position % len(each.said)
                block = each.said[start : start + BLOCK]
                each.hearing.on_message(each.mouth.audio(block), block)
