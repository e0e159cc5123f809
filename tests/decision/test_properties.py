"""What holds of the decision whatever is heard: found by searching for a counterexample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.events import RATE, Event, GroupVerified, SpeakerVerified, WatchlistHit
from earwitnessd.decide import Decider, Rules, Snapshot
from earwitnessd.decision import Bounds, Evidence, GroupWish, Member, Memory
from earwitnessd.decision.sequential import added, faded, passed_over, posteriors
from earwitnessd.score import Score, Scores

HOP = RATE // 2
BOUNDS = Bounds(accept=2.5, reject=-2.5, lead=1.0, correlation=0.6, half_life_s=8.0, prior=0.5)
ROSTER = (
    Member("anna", ("family",)),
    Member("ben", ("banned", "family")),
    Member("carla"),
)
VOTING = Rules(
    threshold=0.7,
    hysteresis=0.05,
    min_margin=0.04,
    verify_windows=2,
    unknown_windows=4,
    ttl_s=6.0,
    wishes={"banned": GroupWish(watchlist=True, ttl_s=3.0)},
)
BY_COSINE = VOTING.among(ROSTER)
BY_EVIDENCE = replace(VOTING, bounds=BOUNDS).among(ROSTER)
llrs = st.floats(-12.0, 12.0)


@st.composite
def lives(draw: st.DrawFn, stream: str = "desk", most: int = 25) -> list[Evidence]:
    """Windows of one opening of a stream, in order: any scores, any amount of speech, any reasons."""
    stop, windows = 3 * RATE, []
    for _ in range(draw(st.integers(1, most))):
        stop += draw(st.integers(1, 8)) * HOP
        speech_s = draw(st.floats(0.0, 3.0))
        new_s = draw(st.sampled_from([0.0, 0.2, 1.0])) * speech_s
        reasons = draw(
            st.sampled_from([(), (), (), ("too_little_speech",), ("gap",), ("clipped", "low_snr")])
        )
        said = {member.name: draw(llrs) for member in ROSTER}
        windows.append(window(stream, stop, speech_s, new_s, said, reasons))
    return windows


def window(
    stream: str,
    stop: int,
    speech_s: float,
    new_s: float,
    said: dict[str, float],
    reasons: tuple[str, ...] = (),
) -> Evidence:
    ranked = sorted(said.items(), key=lambda item: (-item[1], item[0]))
    scores = Scores.listed([Score(name, 0.7 + llr / 40.0, llr, llr) for name, llr in ranked])
    return Evidence(stream, f"{stream}-1", stop - 3 * RATE, stop, speech_s, new_s, scores, reasons)


def heard(decider: Decider, windows: Iterable[Evidence]) -> list[tuple[tuple[str, ...], list[Event]]]:
    return [decider.on_window(each) for each in windows]


def remembered(windows: Sequence[Evidence]) -> Memory:
    memory = Memory()
    for each in windows:
        memory = passed_over(memory, each, BOUNDS) if each.reasons else added(memory, each, BOUNDS)
    return memory


def believed(llrs: dict[str, float]) -> tuple[dict[str, float], float]:
    names = tuple(sorted(llrs))
    people, nobody = posteriors(np.array([llrs[name] for name in names]), BOUNDS.table(names).log_odds)
    return dict(zip(names, people.tolist(), strict=True)), nobody


@given(
    lives(), st.sampled_from(["anna", "ben", "carla"]), st.floats(1e-6, 12.0), st.sampled_from([1.0, -1.0])
)
def test_more_evidence_never_lowers_the_posterior_of_its_sign(
    windows: list[Evidence], name: str, size: float, sign: float
) -> None:
    memory = remembered(windows)
    stop = windows[-1].stop + HOP
    before, nobody_before = believed(_all(faded(memory, stop, BOUNDS).llrs(BOUNDS)))
    nothing_else = faded(memory, stop, BOUNDS).llrs(BOUNDS)
    said = {member.name: 0.0 for member in ROSTER} | {name: sign * size}
    after = added(memory, window("desk", stop, 2.0, 2.0, said), BOUNDS).llrs(BOUNDS)
    now, nobody_now = believed(_all(nothing_else | {name: after[name]}))
    if sign > 0 and nothing_else.get(name, 0.0) <= BOUNDS.most:
        assert now[name] >= before[name] - 1e-9
    elif sign < 0 and nothing_else.get(name, 0.0) >= BOUNDS.least:
        assert nobody_now >= nobody_before - 1e-9


@given(
    lives("desk"), lives("door"), st.randoms(use_true_random=False), st.sampled_from([BY_COSINE, BY_EVIDENCE])
)
def test_streams_know_nothing_of_each_other(
    desk: list[Evidence], door: list[Evidence], random: Random, rules: Rules
) -> None:
    alone = {"desk": heard(Decider(rules), desk), "door": heard(Decider(rules), door)}
    deciders = {"desk": Decider(rules), "door": Decider(rules)}
    waiting = {"desk": list(desk), "door": list(door)}
    together: dict[str, list[tuple[tuple[str, ...], list[Event]]]] = {"desk": [], "door": []}
    while any(waiting.values()):
        turn = random.choice([stream for stream, windows in waiting.items() if windows])
        together[turn].append(deciders[turn].on_window(waiting[turn].pop(0)))
    assert together == alone


@given(st.lists(st.sampled_from(["too_little_speech", "gap", "clipped", "low_snr"]), max_size=60))
def test_windows_that_decide_nothing_verify_nobody_nor_any_group(reasons: list[str]) -> None:
    said = {member.name: 12.0 for member in ROSTER}
    for rules in (BY_COSINE, BY_EVIDENCE):
        windows = [
            window("desk", 3 * RATE + count * HOP, 2.0, 0.5, said, (reason,))
            for count, reason in enumerate(reasons)
        ]
        assert [told for told, _ in heard(Decider(rules), windows)] == [(reason,) for reason in reasons]
        assert [event for _, events in heard(Decider(rules), windows) for event in events] == []


@given(lives(), st.integers(1, 40))
def test_silence_never_adds_evidence(windows: list[Evidence], hops: int) -> None:
    decider = Decider(BY_EVIDENCE)
    heard(decider, windows)
    stop = windows[-1].stop
    standing = {decider.speaker, *decider.groups}
    silence = [
        window("desk", stop + count * HOP, 0.0, 0.0, {}, ("too_little_speech",))
        for count in range(1, hops + 1)
    ]
    for _, events in heard(decider, silence):
        assert not [
            each for each in events if isinstance(each, SpeakerVerified | GroupVerified | WatchlistHit)
        ]
    assert {decider.speaker, *decider.groups} <= standing | {None}


@settings(max_examples=60)
@given(lives(), st.data(), st.sampled_from([BY_COSINE, BY_EVIDENCE]))
def test_whoever_goes_on_from_a_snapshot_says_exactly_the_same(
    windows: list[Evidence], data: st.DataObject, rules: Rules
) -> None:
    cut = data.draw(st.integers(0, len(windows)))
    whole = Decider(rules)
    heard(whole, windows[:cut])
    thawed = msgspec.json.decode(msgspec.json.encode(whole.snapshot()), type=Snapshot)
    assert thawed == whole.snapshot()
    again = Decider(rules, thawed)
    assert heard(again, windows[cut:]) == heard(whole, windows[cut:])
    assert again.snapshot() == whole.snapshot()


def _all(known: dict[str, float]) -> dict[str, float]:
    return {member.name: known.get(member.name, 0.0) for member in ROSTER}
