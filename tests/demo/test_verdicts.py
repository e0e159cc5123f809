"""Who was right when: decisions against the turns of a conversation."""

from __future__ import annotations

import pytest

from earwitness.events import RATE, Event, SpeakerLost, SpeakerUnknown, SpeakerVerified
from earwitnessd.demo.conversation import Turn
from earwitnessd.demo.verdicts import Verdict, judge

ANNA = Turn(speaker="anna", enrolled=True, start_s=10.0, stop_s=20.0, text="")
BEN = Turn(speaker="ben", enrolled=True, start_s=21.0, stop_s=30.0, text="")
STRANGER = Turn(speaker=None, enrolled=False, start_s=10.0, stop_s=20.0, text="")


def says(speaker: str, stop_s: float, length_s: float = 3.0) -> SpeakerVerified:
    return SpeakerVerified(
        stream="c",
        stream_id="c-1",
        start=round((stop_s - length_s) * RATE),
        stop=round(stop_s * RATE),
        speaker=speaker,
        score=0.9,
        threshold=0.8,
        runner_up=None,
        margin=None,
        evidence_s=2.0,
        since=0,
        ttl_s=6.0,
    )


def stranger(stop_s: float) -> SpeakerUnknown:
    return SpeakerUnknown(
        stream="c",
        stream_id="c-1",
        start=round((stop_s - 3.0) * RATE),
        stop=round(stop_s * RATE),
        nearest=None,
        score=None,
        threshold=0.8,
        evidence_s=2.0,
        ttl_s=6.0,
    )


def silence(stop_s: float) -> SpeakerLost:
    stop = round(stop_s * RATE)
    return SpeakerLost(stream="c", stream_id="c-1", start=stop, stop=stop, previous=None, reason="silence")


def verdict(turn: Turn, *events: Event) -> Verdict:
    (found,) = judge([turn], events)
    return found


def test_the_decision_in_force_at_a_turns_end_is_what_counts() -> None:
    assert verdict(ANNA, stranger(12.0), says("anna", 14.0)).correct
    assert not verdict(ANNA, says("anna", 14.0), stranger(19.0)).correct
    assert verdict(ANNA, says("anna", 14.0), says("ben", 20.5)).correct


def test_a_turn_in_which_nothing_was_decided_has_nobody() -> None:
    found = verdict(ANNA)
    assert (found.heard, found.correct, found.after_s, found.false_accept) == ("nobody", False, None, False)


def test_a_lost_decision_leaves_nobody() -> None:
    assert verdict(ANNA, says("anna", 14.0), silence(19.0)).heard == "nobody"


def test_the_right_answer_for_a_stranger_is_unknown() -> None:
    found = verdict(STRANGER, stranger(13.5))
    assert (found.expected, found.correct, found.after_s) == ("unknown", True, 3.5)


def test_the_time_to_the_right_decision_counts_from_the_turns_beginning() -> None:
    assert verdict(ANNA, stranger(12.0), says("anna", 13.5), says("anna", 16.5)).after_s == pytest.approx(3.5)


def test_a_decision_from_before_the_turn_may_be_right_at_its_end_but_is_not_timed() -> None:
    found = verdict(ANNA, says("anna", 9.0))
    assert (found.correct, found.after_s) == (True, None)


@pytest.mark.parametrize("turn", [ANNA, STRANGER])
def test_a_wrong_name_given_wholly_inside_a_turn_is_a_false_accept(turn: Turn) -> None:
    assert verdict(turn, says("ben", 13.0), says("anna", 15.0), stranger(17.0)).false_accept


def test_a_wrong_name_for_a_window_that_began_before_the_turn_is_not_yet_one() -> None:
    assert not verdict(ANNA, says("ben", 12.0), says("anna", 14.0)).false_accept


def test_a_wrong_name_still_in_force_at_the_end_is_one_wherever_it_came_from() -> None:
    assert verdict(ANNA, says("ben", 9.0)).false_accept


@pytest.mark.parametrize("event", [stranger(15.0), silence(15.0)])
def test_not_recognising_somebody_is_no_false_accept(event: Event) -> None:
    assert not verdict(ANNA, event).false_accept


def test_each_turn_is_judged_by_what_was_said_up_to_its_end() -> None:
    first, second = judge([ANNA, BEN], [says("anna", 13.0), says("ben", 25.0)])
    assert (first.heard, first.after_s) == ("anna", 3.0)
    assert (second.heard, second.after_s, second.false_accept) == ("ben", 4.0, False)
