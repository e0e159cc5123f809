"""The decision over many windows: who it names, when it changes its mind, and when it knows nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earwitness.events import (
    RATE,
    Event,
    SpeakerChanged,
    SpeakerLost,
    SpeakerUnknown,
    SpeakerVerified,
)
from earwitnessd.decide import Decider, Evidence, Rules
from earwitnessd.score import Score
from earwitnessd.score import Scores as Ranking

RULES = Rules(threshold=0.7, hysteresis=0.1, min_margin=0.05, verify_windows=2, unknown_windows=3, ttl_s=5.0)
HOP = RATE // 2
LENGTH = 3 * RATE

Scores = dict[str, float]
ANNA: Scores = {"anna": 0.85, "ben": 0.3}
BEN: Scores = {"anna": 0.3, "ben": 0.85}
NOBODY: Scores = {"anna": 0.4, "ben": 0.3}
BETWEEN: Scores = {"anna": 0.65, "ben": 0.3}
CLOSE: Scores = {"anna": 0.80, "ben": 0.78}
SILENCE = ("too_little_speech",)


class Listening:
    """Feeds a decider one window a hop, and keeps what it says."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.decider = Decider(rules)
        self.stop = LENGTH - HOP
        self.events: list[Event] = []
        self.reasons: tuple[str, ...] = ()

    def hear(self, scores: Scores, reasons: tuple[str, ...] = (), times: int = 1) -> list[Event]:
        """So many windows alike; the events of all of them."""
        said: list[Event] = []
        for _ in range(times):
            self.stop += HOP
            evidence = Evidence(
                stream="desk",
                stream_id="desk-1",
                start=self.stop - LENGTH,
                stop=self.stop,
                speech_s=2.5,
                new_speech_s=0.5,
                scores=ranked(scores),
                reasons=reasons,
            )
            self.reasons, events = self.decider.on_window(evidence)
            said += events
        self.events += said
        return said

    def wait(self, seconds: float) -> None:
        """Windows that never came: lost audio, or hops left out."""
        self.stop += round(seconds * RATE)


def ranked(scores: Scores) -> Ranking:
    ordered = sorted(scores.items(), key=lambda item: -item[1])
    return Ranking.listed([Score(speaker, cosine) for speaker, cosine in ordered])


def anna_verified(rules: Rules = RULES) -> Listening:
    listening = Listening(rules)
    (verified,) = listening.hear(ANNA, times=rules.verify_windows)
    assert isinstance(verified, SpeakerVerified)
    return listening


def somebody_unknown() -> Listening:
    listening = Listening()
    (unknown,) = listening.hear(NOBODY, times=3)
    assert isinstance(unknown, SpeakerUnknown)
    return listening


def test_a_person_is_verified_after_so_many_windows_in_a_row() -> None:
    listening = Listening()
    assert listening.hear(ANNA) == []
    assert listening.decider.speaker is None
    (verified,) = listening.hear(ANNA)
    assert isinstance(verified, SpeakerVerified)
    assert (verified.stream, verified.stream_id, verified.speaker) == ("desk", "desk-1", "anna")
    assert (verified.start, verified.stop, verified.since) == (HOP, LENGTH + HOP, LENGTH + HOP)
    assert (verified.runner_up, verified.threshold, verified.ttl_s) == ("ben", 0.7, 5.0)
    assert verified.margin == pytest.approx(0.55)
    assert verified.score == pytest.approx(0.85)
    assert verified.evidence_s == 2.5
    assert verified.assurance == "evidence"
    assert listening.decider.speaker == "anna"


def test_windows_that_do_not_follow_each_other_verify_nobody() -> None:
    listening = Listening()
    for scores in (ANNA, BEN, ANNA, BEN, ANNA, NOBODY, ANNA, NOBODY):
        assert listening.hear(scores) == []


def test_a_voice_is_unknown_after_so_many_windows_in_a_row() -> None:
    listening = Listening()
    assert listening.hear(NOBODY, times=2) == []
    (unknown,) = listening.hear(NOBODY)
    assert isinstance(unknown, SpeakerUnknown)
    assert (unknown.nearest, unknown.score, unknown.threshold) == ("anna", 0.4, 0.7)
    assert listening.decider.speaker is None


def test_the_threshold_itself_is_enough_and_anything_below_is_not() -> None:
    assert len(Listening().hear({"anna": 0.7}, times=2)) == 1
    assert Listening().hear({"anna": 0.6999}, times=2) == []


def test_alone_there_is_no_margin() -> None:
    (verified,) = Listening().hear({"anna": 0.75}, times=2)
    assert isinstance(verified, SpeakerVerified)
    assert (verified.runner_up, verified.margin) == (None, None)


def test_two_who_are_too_alike_decide_nothing_and_say_so() -> None:
    listening = Listening()
    assert listening.hear(CLOSE, times=20) == []
    assert listening.reasons == ("margin",)


def test_a_window_without_margin_interrupts_the_row() -> None:
    listening = Listening()
    listening.hear(ANNA)
    listening.hear(CLOSE)
    assert listening.hear(ANNA) == []
    assert len(listening.hear(ANNA)) == 1


def test_whoever_is_verified_needs_no_margin_to_stay() -> None:
    listening = anna_verified()
    assert not any(isinstance(event, SpeakerLost) for event in listening.hear(CLOSE, times=40))
    assert listening.decider.speaker == "anna"


def test_a_verified_person_stays_so_down_to_the_lower_threshold() -> None:
    listening = anna_verified()
    said = listening.hear(BETWEEN, times=40)
    assert listening.decider.speaker == "anna"
    assert {type(event) for event in said} == {SpeakerVerified}


def test_the_lower_threshold_helps_nobody_in() -> None:
    listening = Listening()
    said = listening.hear(BETWEEN, times=10)
    assert {type(event) for event in said} == {SpeakerUnknown}


def test_below_the_lower_threshold_a_verified_person_becomes_unknown() -> None:
    listening = anna_verified()
    changed, unknown = listening.hear({"anna": 0.59}, times=3)
    assert isinstance(changed, SpeakerChanged)
    assert (changed.previous, changed.speaker) == ("anna", None)
    assert isinstance(unknown, SpeakerUnknown)


def test_another_person_says_changed_and_then_verified() -> None:
    listening = anna_verified()
    assert listening.hear(BEN) == []
    changed, verified = listening.hear(BEN)
    assert isinstance(changed, SpeakerChanged)
    assert (changed.previous, changed.speaker) == ("anna", "ben")
    assert isinstance(verified, SpeakerVerified)
    assert (verified.speaker, verified.since, verified.evidence_s) == ("ben", listening.stop, 2.5)
    assert verified.score == pytest.approx(0.85)


def test_an_unknown_voice_that_becomes_known_is_verified_without_a_change() -> None:
    listening = somebody_unknown()
    assert listening.hear(ANNA) == []
    (verified,) = listening.hear(ANNA)
    assert isinstance(verified, SpeakerVerified)


def test_one_stray_window_changes_nothing() -> None:
    listening = anna_verified()
    for stray in (BEN, NOBODY, {"anna": 0.3, "ben": 0.65}):
        assert listening.hear(stray) == []
        listening.hear(ANNA, times=3)
    assert listening.decider.speaker == "anna"


def test_a_decision_that_stays_true_is_said_again_before_its_ttl_runs_out() -> None:
    listening = anna_verified()
    said = [listening.events[-1], *listening.hear(ANNA, times=60)]
    stops = [event.stop for event in said if isinstance(event, SpeakerVerified)]
    assert len(stops) == len(said)
    assert max(np.diff(stops)) <= RULES.ttl_s * RATE
    assert min(np.diff(stops)) >= RULES.ttl_s * RATE / 2
    last = said[-1]
    assert isinstance(last, SpeakerVerified)
    assert last.since == 2 * HOP + LENGTH - HOP
    assert last.evidence_s == pytest.approx(2.5 + (last.stop - last.since) / RATE)


def test_an_unknown_voice_is_said_again_too() -> None:
    listening = somebody_unknown()
    said = listening.hear(NOBODY, times=20)
    assert {type(event) for event in said} == {SpeakerUnknown}
    assert len(said) == 4


def test_what_is_said_again_is_the_mean_of_the_last_supporting_windows() -> None:
    listening = anna_verified()
    listening.hear({"anna": 0.75, "ben": 0.1}, times=4)
    (again,) = listening.hear({"anna": 0.95, "ben": 0.1})
    assert isinstance(again, SpeakerVerified)
    assert again.score == pytest.approx((3 * 0.75 + 0.95) / 4)
    assert again.margin == pytest.approx(0.85)


@pytest.mark.parametrize(
    ("reasons", "said"),
    [(SILENCE, "silence"), (("gap", "too_little_speech"), "silence"), (("gap",), "inconclusive")],
)
def test_a_decision_that_nothing_supports_is_lost_when_its_ttl_is_over(
    reasons: tuple[str, ...], said: str
) -> None:
    listening = anna_verified()
    supported = listening.stop
    assert listening.hear({}, reasons, times=10) == []
    (lost,) = listening.hear({}, reasons)
    assert isinstance(lost, SpeakerLost)
    assert (lost.previous, lost.reason) == ("anna", said)
    assert (lost.start, lost.stop) == (supported, listening.stop)
    assert listening.decider.speaker is None
    assert listening.hear({}, reasons, times=30) == []


def test_an_unknown_voice_is_lost_too() -> None:
    listening = somebody_unknown()
    (lost,) = listening.hear({}, SILENCE, times=11)
    assert isinstance(lost, SpeakerLost)
    assert lost.previous is None


def test_windows_that_disagree_with_each_other_let_a_decision_run_out() -> None:
    listening = anna_verified(replace(RULES, unknown_windows=100))
    said = listening.hear(NOBODY, times=20)
    assert [type(event) for event in said] == [SpeakerLost]


def test_support_that_comes_after_the_ttl_does_not_revive_a_decision() -> None:
    listening = anna_verified()
    listening.wait(RULES.ttl_s)
    (lost,) = listening.hear(ANNA)
    assert isinstance(lost, SpeakerLost)
    (verified,) = listening.hear(ANNA)
    assert isinstance(verified, SpeakerVerified)
    assert (verified.since, verified.evidence_s) == (listening.stop, 2.5)


def test_support_within_the_ttl_keeps_a_decision() -> None:
    listening = anna_verified()
    listening.wait(RULES.ttl_s - 0.5)
    (again,) = listening.hear(ANNA)
    assert isinstance(again, SpeakerVerified)
    assert listening.decider.speaker == "anna"


def test_whoever_takes_over_when_the_ttl_is_over_is_verified_after_the_loss() -> None:
    listening = anna_verified()
    listening.wait(RULES.ttl_s - 0.5)
    assert listening.hear(BEN) == []
    lost, verified = listening.hear(BEN)
    assert isinstance(lost, SpeakerLost)
    assert lost.previous == "anna"
    assert isinstance(verified, SpeakerVerified)
    assert verified.speaker == "ben"


@pytest.mark.parametrize("reasons", [SILENCE, ("clipped",), ("low_snr",), ("gap",), ("not_finite",)])
def test_a_window_with_a_reason_against_it_never_verifies(reasons: tuple[str, ...]) -> None:
    listening = Listening()
    assert listening.hear(ANNA, reasons, times=50) == []
    assert listening.reasons == reasons


def test_with_nobody_enrolled_a_window_says_so_and_decides_nothing() -> None:
    listening = Listening()
    assert listening.hear({}, times=50) == []
    assert listening.reasons == ("no_profiles",)


def test_a_short_pause_does_not_interrupt_the_row() -> None:
    listening = Listening()
    listening.hear(ANNA)
    listening.hear({}, SILENCE, times=9)
    assert len(listening.hear(ANNA)) == 1


def test_two_windows_with_a_long_silence_between_them_are_not_in_a_row() -> None:
    listening = Listening()
    listening.hear(ANNA)
    listening.hear({}, SILENCE, times=10)
    assert listening.hear(ANNA) == []
    assert len(listening.hear(ANNA)) == 1


def test_a_lost_stream_loses_the_decision_and_all_that_was_heard() -> None:
    listening = anna_verified()
    (lost,) = listening.decider.on_stream_lost("desk", "desk-1", listening.stop)
    assert isinstance(lost, SpeakerLost)
    assert (lost.previous, lost.reason) == ("anna", "stream")
    listening.stop = LENGTH - HOP  # a new opening counts from 0 again
    assert listening.hear(ANNA) == []
    assert len(listening.hear(ANNA)) == 1


def test_half_a_row_does_not_outlive_its_stream() -> None:
    listening = Listening()
    listening.hear(ANNA)
    assert listening.decider.on_stream_lost("desk", "desk-1", listening.stop) == []
    assert listening.hear(ANNA) == []


def test_a_removed_person_is_lost_at_once() -> None:
    listening = anna_verified()
    (lost,) = listening.decider.on_profiles(("ben",), "desk", "desk-1", listening.stop)
    assert isinstance(lost, SpeakerLost)
    assert (lost.previous, lost.reason) == ("anna", "profile")


def test_somebody_elses_removal_or_enrolment_changes_nothing() -> None:
    listening = anna_verified()
    assert listening.decider.on_profiles(("anna", "carla"), "desk", "desk-1", listening.stop) == []
    assert listening.decider.speaker == "anna"


def test_when_people_are_added_an_unknown_voice_may_be_known_now() -> None:
    listening = somebody_unknown()
    (lost,) = listening.decider.on_profiles(("anna", "eve"), "desk", "desk-1", listening.stop)
    assert isinstance(lost, SpeakerLost)
    assert (lost.previous, lost.reason) == (None, "profile")
    assert listening.hear({"eve": 0.9}) == []
    assert len(listening.hear({"eve": 0.9})) == 1


def test_other_rules_hold_from_the_next_window_on() -> None:
    listening = anna_verified()
    stricter = replace(RULES, threshold=0.95, verify_windows=4, unknown_windows=6)
    listening.decider = Decider(stricter, listening.decider.snapshot())
    assert listening.decider.speaker == "anna"
    assert listening.hear(NOBODY, times=5) == []
    changed, unknown = listening.hear(NOBODY)
    assert isinstance(changed, SpeakerChanged)
    assert isinstance(unknown, SpeakerUnknown)
    assert listening.hear({"anna": 0.96}, times=3) == []
    assert len(listening.hear({"anna": 0.96})) == 1


def test_whatever_is_heard_a_verdict_stands_for_what_the_rules_ask() -> None:
    random = np.random.default_rng(11)
    for _ in range(50):
        listening = Listening()
        votes: list[Scores] = []
        for _ in range(60):
            scores = (ANNA, BEN, NOBODY, CLOSE)[random.integers(4)]
            votes.append(scores)
            before = listening.decider.speaker
            for event in listening.hear(scores):
                if isinstance(event, SpeakerVerified) and event.speaker != before:
                    assert votes[-2:] == [ANNA if event.speaker == "anna" else BEN] * 2
                if isinstance(event, SpeakerChanged):
                    assert event.previous == before
                    assert event.previous != event.speaker
