"""Claims from events, and figures from claims and turns, worked by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from earwitness.events import Event, SpeakerChanged, SpeakerLost, SpeakerUnknown, SpeakerVerified
from earwitnessd.evaluation.claims import Claim, Statement, claims_of, statements_of
from earwitnessd.evaluation.streaming import Heard, StreamFigures, false_statements, measure
from earwitnessd.evaluation.turns import Turn

RATE = 16_000
TTL_S = 6.0


def verified(speaker: str, stop_s: float) -> SpeakerVerified:
    return SpeakerVerified(
        stream="x",
        stream_id="x-1",
        start=round((stop_s - 3) * RATE),
        stop=round(stop_s * RATE),
        speaker=speaker,
        score=0.9,
        threshold=0.7,
        runner_up=None,
        margin=None,
        evidence_s=1.0,
        since=0,
        ttl_s=TTL_S,
    )


def unknown(stop_s: float) -> SpeakerUnknown:
    return SpeakerUnknown(
        stream="x",
        stream_id="x-1",
        start=0,
        stop=round(stop_s * RATE),
        nearest=None,
        score=None,
        threshold=0.7,
        evidence_s=1.0,
        ttl_s=TTL_S,
    )


def changed(previous: str, speaker: str | None, stop_s: float) -> SpeakerChanged:
    stop = round(stop_s * RATE)
    return SpeakerChanged(stream="x", stream_id="x-1", start=0, stop=stop, previous=previous, speaker=speaker)


def lost(stop_s: float) -> SpeakerLost:
    stop = round(stop_s * RATE)
    return SpeakerLost(stream="x", stream_id="x-1", start=0, stop=stop, previous="anna", reason="silence")


def heard(turns: Sequence[Turn], events: Sequence[Event], duration_s: float = 60.0) -> Heard:
    return Heard(
        "x", duration_s, tuple(turns), tuple(claims_of(events, duration_s)), tuple(statements_of(events))
    )


def figures(turns: Sequence[Turn], events: Sequence[Event], duration_s: float = 60.0) -> StreamFigures:
    return measure([heard(turns, events, duration_s)], {"anna", "ben"})


def test_a_claim_lasts_until_something_else_is_said() -> None:
    events = [
        verified("anna", 4),
        verified("anna", 7),
        changed("anna", "ben", 9),
        verified("ben", 9),
        lost(12),
    ]
    assert claims_of(events, 60) == [Claim("anna", 4, 9), Claim("ben", 9, 12)]


def test_a_claim_that_is_not_said_again_ends_with_its_time_to_live() -> None:
    assert claims_of([verified("anna", 4), unknown(20)], 60) == [Claim("anna", 4, 10), Claim(None, 20, 26)]
    assert claims_of([verified("anna", 4), verified("anna", 11)], 12) == [
        Claim("anna", 4, 10),
        Claim("anna", 11, 12),
    ]


def test_only_the_first_statement_of_a_claim_is_first() -> None:
    events = [verified("anna", 4), verified("anna", 7), lost(9), verified("anna", 12)]
    assert [each.first for each in statements_of(events)] == [True, False, True]
    assert statements_of(events)[0] == Statement("anna", 1.0, 4.0, first=True)


def test_time_to_verify_counts_from_the_turn_and_missed_turns_are_told() -> None:
    turns = [Turn("anna", 1, 10), Turn("ben", 20, 25), Turn("anna", 40, 50)]
    found = figures(turns, [verified("anna", 3.5), lost(12), verified("anna", 44.5)])
    assert (found.turns, found.missed_turns) == (3, 1)
    assert found.time_to_verify_s is not None
    assert found.time_to_verify_s.median == pytest.approx(3.5)  # of 2.5 and 4.5
    assert found.time_to_verify_s.p90 == pytest.approx(4.3)


def test_who_was_verified_before_a_turn_is_neither_missed_nor_counted_as_quick() -> None:
    found = figures([Turn("anna", 1, 5), Turn("anna", 7, 12)], [verified("anna", 4), verified("anna", 8)])
    assert (found.turns, found.missed_turns) == (2, 0)
    assert found.time_to_verify_s is not None
    assert found.time_to_verify_s.p90 == pytest.approx(3.0)


def test_a_decision_just_after_a_turn_is_about_it_and_a_later_one_is_not() -> None:
    assert figures([Turn("anna", 1, 4)], [verified("anna", 4.5)]).missed_turns == 0
    assert figures([Turn("anna", 1, 4)], [verified("anna", 5.0)]).missed_turns == 1


def test_strangers_have_no_turns_to_miss() -> None:
    assert figures([Turn("eve", 1, 10)], []).turns == 0


def test_a_change_is_noticed_when_the_claim_ends() -> None:
    turns = [Turn("anna", 0, 10), Turn("eve", 10.5, 20)]
    events = [verified("anna", 3), verified("anna", 9), changed("anna", None, 13), unknown(13)]
    found = figures(turns, events)
    assert (found.changes, found.unnoticed_changes) == (1, 0)
    assert found.time_to_notice_s is not None
    assert found.time_to_notice_s.median == pytest.approx(2.5)
    assert found.mistaken_s == pytest.approx(2.5)


def test_while_both_speak_nothing_has_changed_yet() -> None:
    turns = [Turn("anna", 0, 10), Turn("ben", 8, 20)]
    found = figures(turns, [verified("anna", 3), verified("anna", 8), verified("ben", 12)])
    assert found.time_to_notice_s is not None
    assert found.time_to_notice_s.median == pytest.approx(2.0)


def test_a_change_that_is_over_before_the_claim_is_was_not_noticed() -> None:
    turns = [Turn("anna", 0, 10), Turn("ben", 10.5, 12), Turn("anna", 12.5, 20)]
    found = figures(turns, [verified("anna", 3), verified("anna", 8), verified("anna", 13), lost(25)])
    assert (found.changes, found.unnoticed_changes, found.time_to_notice_s) == (1, 1, None)


def test_silence_after_a_person_is_no_change() -> None:
    assert figures([Turn("anna", 0, 10)], [verified("anna", 3), verified("anna", 9)]).changes == 0


def test_a_verification_of_a_window_without_the_person_is_false_once() -> None:
    turns = [Turn("eve", 0, 30)]
    found = figures(turns, [verified("anna", 5), verified("anna", 8), lost(9), verified("anna", 14)], 1800)
    assert found.false_verifies == 2
    assert found.false_verifies_per_hour == pytest.approx(4.0)
    assert found.false_verifies_per_hour_interval == pytest.approx((0.48, 14.45), abs=0.01)


def test_a_true_claim_that_goes_on_without_the_person_becomes_false() -> None:
    turns = [Turn("anna", 0, 5), Turn("eve", 5, 30)]
    events: list[Event] = [verified("anna", at_s) for at_s in (3, 6, 9, 12)]
    assert [each.at_s for each in false_statements(heard(turns, events))] == [9.0]


def test_a_window_that_still_holds_the_person_makes_no_false_verify() -> None:
    assert figures([Turn("anna", 0, 5), Turn("eve", 5, 30)], [verified("anna", 7.5)]).false_verifies == 0


def test_nothing_said_costs_nothing_but_misses() -> None:
    found = figures([Turn("anna", 0, 5)], [])
    assert (found.missed_turns, found.false_verifies, found.time_to_verify_s) == (1, 0, None)
