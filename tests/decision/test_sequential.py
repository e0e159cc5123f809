"""The sequential test: how evidence adds up, fades, and becomes an opinion."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from msgspec import structs

from earwitness.events import RATE, Event, SpeakerChanged, SpeakerLost, SpeakerUnknown, SpeakerVerified
from earwitnessd.decide import Decider, Rules
from earwitnessd.decision import Bounds, Evidence, Memory, Own, SequentialTest, Weight
from earwitnessd.decision.sequential import added, faded, passed_over, posteriors
from earwitnessd.score import NOBODY, Score, Scores

BOUNDS = Bounds(accept=2.5, reject=-2.5, lead=1.0, correlation=0.6, half_life_s=8.0, prior=0.5)
RULES = Rules(
    threshold=0.7,
    hysteresis=0.05,
    min_margin=0.04,
    verify_windows=2,
    unknown_windows=4,
    ttl_s=6.0,
    bounds=BOUNDS,
)
LENGTH, HOP = 3 * RATE, RATE // 2
ANNA = {"anna": 4.0, "ben": -3.0}
BEN = {"anna": -3.0, "ben": 4.0}
STRANGER = {"anna": -4.0, "ben": -4.0}
NEITHER = {"anna": 0.5, "ben": -0.5}
BOTH = {"anna": 4.0, "ben": 4.0}
RUNS = 60


def heard(
    llrs: dict[str, float],
    stop: int,
    *,
    speech_s: float = 2.5,
    new_speech_s: float = 0.5,
    reasons: tuple[str, ...] = (),
) -> Evidence:
    ranked = sorted(llrs.items(), key=lambda item: -item[1])
    scores = Scores.listed([Score(name, 0.1 * llr + 0.3, llr, llr) for name, llr in ranked])
    return Evidence("desk", "desk-1", stop - LENGTH, stop, speech_s, new_speech_s, scores, reasons)


class Listening:
    """Feeds a decider one window a hop."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.decider = Decider(rules)
        self.stop = LENGTH - HOP
        self.reasons: tuple[str, ...] = ()

    def hear(self, llrs: dict[str, float], times: int = 1, reasons: tuple[str, ...] = ()) -> list[Event]:
        said: list[Event] = []
        for _ in range(times):
            self.stop += HOP
            self.reasons, events = self.decider.on_window(heard(llrs, self.stop, reasons=reasons))
            said += events
        return said


def conversations() -> Iterator[list[Evidence]]:
    """Windows of seeded, unlikely lives: any LLR, any amount of speech, pauses, windows that say nothing."""
    random = np.random.default_rng(7)
    for _ in range(RUNS):
        stop, windows = LENGTH, []
        for _ in range(40):
            stop += int(random.integers(1, 6)) * HOP
            llrs = {
                name: float(random.normal(random.choice([-3.0, 0.0, 3.0]), 2.0)) for name in ("anna", "ben")
            }
            speech_s = float(random.uniform(0.0, 3.0))
            new_s = float(random.uniform(0.0, speech_s)) * float(random.integers(2))
            reasons = ("clipped",) if random.random() < 0.2 else ()
            windows.append(heard(llrs, stop, speech_s=speech_s, new_speech_s=new_s, reasons=reasons))
        yield windows


def after(memory: Memory, window: Evidence, bounds: Bounds = BOUNDS) -> Memory:
    return passed_over(memory, window, bounds) if window.reasons else added(memory, window, bounds)


def run(windows: list[Evidence], memory: Memory | None = None) -> Memory:
    for window in windows:
        memory = after(memory or Memory(), window)
    return memory or Memory()


def test_evidence_never_lowers_what_it_speaks_for_nor_raises_what_it_speaks_against() -> None:
    for windows in conversations():
        memory = Memory()
        for window in windows:
            before = faded(memory, window.stop, BOUNDS).llrs(BOUNDS)
            memory = after(memory, window)
            for score in window.scores:
                assert score.llr is not None
                now = memory.llrs(BOUNDS).get(score.speaker, 0.0)
                was = before.get(score.speaker, 0.0)
                if score.llr >= 0.0:
                    assert now >= min(was, BOUNDS.most) - 1e-9
                else:
                    assert now <= max(was, BOUNDS.least) + 1e-9


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_more_evidence_of_one_sign_never_lowers_its_posterior(sign: float) -> None:
    random = np.random.default_rng(11)
    lasting = replace(BOUNDS, half_life_s=1e9)
    for _ in range(RUNS):
        memory, certainty = Memory(), 0.5
        for count in range(30):
            llr = sign * float(random.exponential(2.0))
            memory = added(memory, heard({"anna": llr}, LENGTH + count * HOP), lasting)
            people, nobody = posteriors(memory.nats(lasting), lasting.table(memory.names).log_odds)
            posterior = people[0] if sign > 0 else nobody
            assert posterior >= certainty - 1e-9
            certainty = posterior


def test_a_restart_from_a_snapshot_is_exact() -> None:
    for windows in conversations():
        half = run(windows[:20])
        thawed = msgspec.json.decode(msgspec.json.encode(half), type=Memory)
        assert thawed == half
        assert run(windows[20:], thawed) == run(windows)
        test = SequentialTest(BOUNDS, thawed)
        (*_, last) = [test.hear(window, None, False) for window in windows[20:] if not window.reasons]
        assert last.speaker in {None, "anna", "ben"}


def test_the_order_of_streams_is_irrelevant() -> None:
    windows = list(conversations())
    one, other = windows[0], windows[1]
    random = np.random.default_rng(3)
    alone = [(Decider(RULES), each) for each in (one, other)]
    expected = [[decider.on_window(window) for window in each] for decider, each in alone]
    for _ in range(10):
        deciders, waiting = (Decider(RULES), Decider(RULES)), [list(one), list(other)]
        said: list[list[object]] = [[], []]
        while any(waiting):
            turn = int(random.integers(2)) if all(waiting) else int(not waiting[0])
            said[turn].append(deciders[turn].on_window(waiting[turn].pop(0)))
        assert said == expected


@pytest.mark.parametrize("reasons", [("too_little_speech",), ("gap",), ("clipped",), ("low_snr",)])
def test_a_window_with_a_reason_against_it_verifies_nobody_and_says_which(reasons: tuple[str, ...]) -> None:
    listening = Listening()
    assert listening.hear(ANNA, 50, reasons) == []
    assert listening.reasons == reasons


def test_silence_never_verifies() -> None:
    for windows in conversations():
        memory = run(windows)
        evidence = memory.llrs(BOUNDS)
        for count in range(1, 30):
            silent = heard(ANNA, windows[-1].stop + count * HOP, new_speech_s=0.0, speech_s=2.0)
            memory = passed_over(memory, structs.replace(silent, scores=NOBODY), BOUNDS)
            memory = (
                added(memory, structs.replace(silent, new_speech_s=0.0), BOUNDS)
                if not memory.unused_speech_s
                else memory
            )
            for name, llr in memory.llrs(BOUNDS).items():
                assert abs(llr) <= abs(evidence[name]) + 1e-9


def test_evidence_fades_by_half_in_its_half_life() -> None:
    memory = added(Memory(), heard(ANNA, LENGTH), BOUNDS)
    later = faded(memory, LENGTH + round(8.0 * RATE), BOUNDS)
    assert later.llrs(BOUNDS)["anna"] == pytest.approx(memory.llrs(BOUNDS)["anna"] / 2)


def test_windows_that_agree_are_worth_more_than_one_and_less_than_their_sum() -> None:
    memory = Memory()
    for count in range(100):
        memory = added(memory, heard({"anna": 2.0}, LENGTH + count * LENGTH, new_speech_s=2.5), BOUNDS)
        limit = 2.0 / BOUNDS.correlation
        assert 2.0 - 1e-9 <= memory.llrs(BOUNDS)["anna"] < limit


def test_speech_that_was_heard_already_adds_little() -> None:
    first = added(Memory(), heard({"anna": 1.0}, LENGTH, new_speech_s=2.5), BOUNDS)
    fresh = added(first, heard({"anna": 1.0}, LENGTH + HOP, new_speech_s=2.5), BOUNDS)
    mostly_old = added(first, heard({"anna": 1.0}, LENGTH + HOP, new_speech_s=0.25), BOUNDS)
    assert 1.0 < mostly_old.llrs(BOUNDS)["anna"] < fresh.llrs(BOUNDS)["anna"]


def test_speech_of_windows_that_were_passed_over_is_new_in_the_next() -> None:
    waiting = passed_over(Memory(), heard({}, LENGTH, speech_s=1.0, new_speech_s=1.0), BOUNDS)
    assert waiting.unused_speech_s == 1.0
    late = added(waiting, heard(ANNA, LENGTH + HOP, speech_s=1.5, new_speech_s=0.0), BOUNDS)
    assert late.llrs(BOUNDS) == ANNA


def test_a_single_clear_window_verifies_and_says_by_how_much() -> None:
    listening = Listening()
    (verified,) = listening.hear(ANNA)
    assert isinstance(verified, SpeakerVerified)
    assert (verified.speaker, verified.llr, verified.llr_bound) == ("anna", 4.0, 2.5)
    nobody, ben = 0.5, 0.25 * math.exp(-3.0)
    assert verified.posterior == pytest.approx(0.25 * math.exp(4.0) / (0.25 * math.exp(4.0) + nobody + ben))
    assert verified.margin == pytest.approx(0.7)


def test_a_person_with_a_bound_of_their_own_needs_that_much() -> None:
    strict = replace(BOUNDS, own={"anna": Own(accept=6.0, reject=-2.5, odds=0.5)})
    listening = Listening(replace(RULES, bounds=strict))
    assert listening.hear(ANNA) == []
    assert listening.reasons == ("undecided",)
    (verified,) = listening.hear({"anna": 7.0, "ben": -3.0})[:1]
    assert isinstance(verified, SpeakerVerified)
    assert verified.llr_bound == 6.0
    assert isinstance(Listening(replace(RULES, bounds=strict)).hear(BEN)[0], SpeakerVerified)


def test_what_was_heard_is_weighed_against_the_bounds_of_each_person() -> None:
    strict = replace(BOUNDS, own={"anna": Own(accept=6.0, reject=-2.5, odds=0.5)})
    listening = Listening(replace(RULES, bounds=strict))
    listening.hear(ANNA)
    weights = listening.decider.weigh(["anna", "ben", "carla"])
    assert weights["anna"] == Weight(ANNA["anna"], accept=6.0, reject=-2.5)
    assert weights["ben"] == Weight(ANNA["ben"], BOUNDS.accept, BOUNDS.reject)
    assert weights["carla"].evidence == 0.0
    assert Listening(replace(RULES, bounds=None)).decider.weigh(["anna"]) == {}


def test_evidence_between_the_bounds_decides_nothing_and_says_so() -> None:
    listening = Listening()
    assert listening.hear(NEITHER, 50) == []
    assert listening.reasons == ("undecided",)


def test_two_people_who_are_equally_likely_are_not_verified() -> None:
    listening = Listening()
    assert listening.hear(BOTH, 50) == []
    assert listening.reasons == ("margin",)


def test_a_voice_that_is_nobodys_is_unknown() -> None:
    (unknown,) = Listening().hear(STRANGER)
    assert isinstance(unknown, SpeakerUnknown)
    assert (unknown.llr, unknown.llr_bound) == (-4.0, -2.5)
    assert unknown.posterior == pytest.approx(0.5 / (0.5 + 0.5 * math.exp(-4.0)))


def test_one_stray_window_changes_nothing() -> None:
    listening = Listening()
    listening.hear(ANNA, 6)
    for stray in (STRANGER, BEN, NEITHER):
        assert [event for event in listening.hear(stray) if not isinstance(event, SpeakerVerified)] == []
        said = listening.hear(ANNA, 6)
        assert {type(event) for event in said} <= {SpeakerVerified}
    assert listening.decider.speaker == "anna"


def test_a_change_of_speaker_is_noticed_within_two_seconds() -> None:
    listening = Listening()
    listening.hear(ANNA, 60)
    *_, changed, verified = listening.hear(BEN, 4)
    assert isinstance(changed, SpeakerChanged)
    assert isinstance(verified, SpeakerVerified)
    assert listening.decider.speaker == "ben"


def test_whoever_is_verified_stays_so_while_the_evidence_reaches_their_bound() -> None:
    listening = Listening()
    listening.hear(ANNA)
    said = listening.hear({"anna": 3.0, "ben": -1.0}, 60)
    assert {type(event) for event in said} == {SpeakerVerified}


def test_what_is_left_of_evidence_never_says_a_verdict_again() -> None:
    listening = Listening(replace(RULES, bounds=replace(BOUNDS, half_life_s=2.0)))
    listening.hear(ANNA)
    *_, lost = said = listening.hear({"anna": 0.4, "ben": 0.3}, 40)
    again = [event for event in said if isinstance(event, SpeakerVerified)]
    assert all(event.llr is not None and event.llr >= BOUNDS.accept for event in again)
    assert isinstance(lost, SpeakerLost)
    assert lost.reason == "inconclusive"
    assert listening.reasons == ("undecided",)


def test_a_verdict_that_nothing_supports_is_lost() -> None:
    listening = Listening()
    listening.hear(ANNA)
    (lost,) = listening.hear({}, 20, ("too_little_speech",))
    assert isinstance(lost, SpeakerLost)
    assert lost.reason == "silence"


def test_after_a_lost_stream_nothing_is_remembered() -> None:
    listening = Listening()
    listening.hear({"anna": 2.4, "ben": -3.0}, 1)
    listening.decider.on_stream_lost("desk", "desk-1", listening.stop)
    assert listening.hear({"anna": 1.0, "ben": -3.0}) == []


def test_the_rules_can_change_from_one_way_of_deciding_to_the_other() -> None:
    listening = Listening()
    listening.hear(ANNA)
    listening.decider = Decider(replace(RULES, bounds=None), listening.decider.snapshot())
    assert listening.decider.speaker == "anna"
    changed, verified = listening.hear({"anna": -3.0, "ben": 5.0}, 2)
    assert isinstance(changed, SpeakerChanged)
    assert isinstance(verified, SpeakerVerified)
    assert verified.llr is None
