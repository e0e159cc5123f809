"""Holds what the daemon said against who really spoke: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from earwitness.events import RATE, Event, SpeakerLost, SpeakerUnknown, SpeakerVerified
from earwitnessd.demo.conversation import Turn

UNKNOWN = "unknown"
NOTHING = "nobody"

Decision = SpeakerVerified | SpeakerUnknown | SpeakerLost


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was made of one turn."""

    turn: Turn
    heard: str
    # the decision in force when the turn ended: a name, "unknown" or "nobody"
    after_s: float | None
    # from the turn's beginning to the right decision; None: it never came
    false_accept: bool
    # a window wholly inside this turn verified somebody else

    @property
    def expected(self) -> str:
        """The right answer."""
        return self.turn.speaker or UNKNOWN

    @property
    def correct(self) -> bool:
        """Heard as who it was."""
        return self.heard == self.expected


def judge(turns: Sequence[Turn], events: Sequence[Event]) -> list[Verdict]:
    """A verdict for each turn, from the decisions in the order they were published."""
    decisions = [event for event in events if isinstance(event, Decision)]
    return [_judge_turn(turn, decisions) for turn in turns]


def _judge_turn(turn: Turn, decisions: Sequence[Decision]) -> Verdict:
    start, stop = turn.start_s * RATE, turn.stop_s * RATE
    expected = turn.speaker or UNKNOWN
    heard = NOTHING
    after_s = None
    false_accept = False
    for decision in decisions:
        if decision.stop > stop:
            break
        heard = _says(decision)
        if decision.stop >= start and heard == expected and after_s is None:
            after_s = (decision.stop - start) / RATE
        inside = decision.start >= start
        false_accept |= inside and isinstance(decision, SpeakerVerified) and heard != expected
    wrong_name = heard not in {expected, UNKNOWN, NOTHING}
    return Verdict(turn, heard, after_s, false_accept or wrong_name)


def _says(decision: Decision) -> str:
    match decision:
        case SpeakerVerified(speaker=speaker):
            return speaker
        case SpeakerUnknown():
            return UNKNOWN
        case SpeakerLost():
            return NOTHING
