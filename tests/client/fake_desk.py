"""The fake daemon's desk: who speaks there, hop by hop, by a script."""

from __future__ import annotations

import math
import random

from earwitness.events import (
    Event,
    SpeakerChanged,
    SpeechStarted,
    SpeechStopped,
)

from .events import HOP, WINDOW, lost, unknown, verified, window

HOP_S = 0.5
PEOPLE = ("anna", "bert", "cora")
NOBODY, STRANGER = "", "?"
# who speaks at the desk, and for how many hops
SCRIPT = (
    (NOBODY, 3),
    ("anna", 14),
    (NOBODY, 3),
    ("bert", 12),
    (NOBODY, 2),
    (STRANGER, 9),
    (NOBODY, 2),
    ("anna", 16),
    (NOBODY, 4),
    ("cora", 10),
)


class Desk:
    """The scripted stream: each step returns what the daemon would publish for one hop."""

    def __init__(self, seed: int = 7) -> None:
        self._chance = random.Random(seed)
        self._hops = [who for who, hops in SCRIPT for _ in range(hops)]
        self._step = 0
        self._heard = 0  # hops in a row of the present voice
        self._speaker = NOBODY
        self._verdict: str | None = None
        self.position = WINDOW

    @property
    def speaking(self) -> bool:
        return self._speaker != NOBODY

    @property
    def verdict(self) -> str | None:
        return self._verdict if self._verdict in PEOPLE else None

    def hop(self) -> list[Event]:
        who = self._hops[self._step % len(self._hops)]
        self._step += 1
        self.position += HOP
        events: list[Event] = []
        if who != self._speaker:
            events += self._turn(who)
        self._heard += 1
        level = self._chance.gauss(-22.0 if who else -52.0, 2.5)
        why = [] if who and self._heard > 2 else ["too_little_speech"]
        scores = self._scores(who) if who or self._heard <= 2 else {}
        events.append(
            window(
                self.position,
                scores,
                level_dbfs=level,
                inconclusive=why,
                embed_ms=abs(self._chance.gauss(61.0, 6.0)) + (60.0 if self._chance.random() < 0.03 else 0.0),
            )
        )
        if who and self._heard > 3:
            events += self._decide(who, scores)
        elif not who and self._heard == 4 and self._verdict is not None:
            events.append(lost(self.verdict, position=self.position))
            self._verdict = None
        return events

    def _turn(self, who: str) -> list[Event]:
        started, ended = who and not self._speaker, self._speaker and not who
        self._speaker, self._heard = who, 0
        place = {"stream": "desk", "stream_id": "desk-1", "stop": self.position}
        if started:
            return [SpeechStarted(start=self.position - HOP, **place)]  # type: ignore[arg-type]  # mixed dict
        if ended:
            return [SpeechStopped(start=self.position - 6 * HOP, **place)]  # type: ignore[arg-type]  # mixed dict
        return []

    def _scores(self, who: str) -> dict[str, float]:
        rise = min(1.0, self._heard / 4)
        return {
            name: self._chance.gauss(
                0.34 + (0.44 * rise if name == who else 0.05 * math.sin(len(name))), 0.03
            )
            for name in PEOPLE
        }

    def _decide(self, who: str, scores: dict[str, float]) -> list[Event]:
        events: list[Event] = []
        if self._verdict in PEOPLE and self._verdict != who:
            events.append(
                SpeakerChanged(
                    stream="desk",
                    stream_id="desk-1",
                    start=self.position - WINDOW,
                    stop=self.position,
                    previous=self._verdict,
                    speaker=who if who in PEOPLE else None,
                )
            )
        self._verdict = who
        if who in PEOPLE:
            best, second = sorted(scores.values(), reverse=True)[:2]
            evidence_s = HOP_S * self._heard
            events.append(
                verified(who, self.position, score=best, margin=best - second, evidence_s=evidence_s)
            )
        else:
            events.append(unknown(self.position, nearest="bert", score=scores["bert"]))
        return events
