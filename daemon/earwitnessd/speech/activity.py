"""From probabilities to spans of speech on a stream's own axis of samples."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from earwitnessd.settings.speech_gate import SpeechGateSettings
from earwitnessd.speech.gate import Probabilities

Span = tuple[int, int]
# first sample of it, first sample after it


@dataclass(frozen=True)
class SpeechStarted:
    """Somebody began to speak."""

    position: int
    # sample


@dataclass(frozen=True)
class SpeechStopped:
    """A pause has lasted long enough, or the audio broke off."""

    position: int
    # sample after the last speech; known only a hang-over later
    reason: Literal["pause", "gap"] = "pause"


Transition = SpeechStarted | SpeechStopped


class SpeechActivity:
    """What was decided about the last seconds of one stream; belongs to the engine thread."""

    def __init__(
        self, settings: SpeechGateSettings, chunk_samples: int, rate: int = 16_000, keep_s: float = 30.0
    ) -> None:
        self._settings = settings
        self._chunk_samples = chunk_samples
        self._rate = rate
        self._min_run_samples = round(settings.min_run_s * rate)
        self._hangover_samples = round(settings.hangover_s * rate)
        self._keep_samples = round(keep_s * rate)
        self._spans: deque[Span] = deque()
        self._run_start: int | None = None
        # where a run of speech began that lasts to decided_until; not in _spans before it is long enough
        self._run_counts = False
        self.speaking = False
        self.decided_until: int | None = None
        # the sample after the last chunk; None: nothing was heard yet

    def push(self, start: int, probabilities: Probabilities) -> list[Transition]:
        """Take the chunks that begin at `start`; a start beyond the last chunk's end is a gap."""
        transitions: list[Transition] = []
        if self.decided_until is not None and start != self.decided_until:
            if start < self.decided_until:
                raise ValueError(f"chunk at {start}: everything before {self.decided_until} is decided")
            transitions += self._break_off()
        for probability in probabilities.tolist():
            stop = start + self._chunk_samples
            if self._run_counts and probability >= self._settings.stop_threshold:  # it goes on, as most does
                self._spans[-1] = (self._spans[-1][0], stop)
                self.decided_until = stop
            elif transition := self._decide(start, stop, probability):
                transitions.append(transition)
            start = stop
        self._forget()
        return transitions

    def speech_spans(self, start: int, stop: int) -> list[Span]:
        """The spans of speech within [start, stop), cut to it."""
        return [
            (max(begin, start), min(end, stop)) for begin, end in self._spans if begin < stop and start < end
        ]

    def speech_seconds(self, start: int, stop: int) -> float:
        """Net speech within [start, stop)."""
        return sum(end - begin for begin, end in self.speech_spans(start, stop)) / self._rate

    def _decide(self, start: int, stop: int, probability: float) -> Transition | None:
        self.decided_until = stop
        in_run = self._run_start is not None
        if probability >= (self._settings.stop_threshold if in_run else self._settings.threshold):
            return self._extend(start, stop)
        self._run_start, self._run_counts = None, False
        if self.speaking and stop - self._spans[-1][1] >= self._hangover_samples:
            self.speaking = False
            return SpeechStopped(self._spans[-1][1])
        return None

    def _extend(self, start: int, stop: int) -> SpeechStarted | None:
        if self._run_start is None:
            self._run_start = start
        if stop - self._run_start < self._min_run_samples:
            return None
        self._run_counts = True
        self._spans.append((self._run_start, stop))
        if not self.speaking:
            self.speaking = True
            return SpeechStarted(self._run_start)
        return None

    def _break_off(self) -> Iterator[Transition]:
        self._run_start, self._run_counts = None, False
        if self.speaking:
            self.speaking = False
            yield SpeechStopped(self._spans[-1][1], "gap")

    def _forget(self) -> None:
        if self.decided_until is None:
            return
        oldest = self.decided_until - self._keep_samples
        # the last span stays: the end of speech is told from it
        while len(self._spans) > 1 and self._spans[0][1] <= oldest:
            self._spans.popleft()
