"""Rates hold for many: for all who are enrolled together, and for anyone of a group."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.events import (
    RATE,
    Event,
    GroupLost,
    GroupVerified,
    SpeakerVerified,
    WatchlistHit,
    WatchlistLost,
)
from earwitnessd.calibration import Points, Share
from earwitnessd.decide import Decider, Rules
from earwitnessd.decision import Bounds, Evidence, GroupWish, Member, OwnPoint, Point, Targets
from earwitnessd.decision.bounds import Floats
from earwitnessd.decision.groups import of_evidence
from earwitnessd.score import Score, Scores

HOP = RATE // 2
D = 2.0  # a stranger's LLR is normal with mean -D²/2 and standard deviation D, as calibrated ones are
SHARES = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)


def normal_quantile(share: float) -> float:
    """What this share of standard normal values exceeds."""
    low, high = -10.0, 10.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if 0.5 * math.erfc(middle / math.sqrt(2)) > share else (low, middle)
    return low


TURNS = Points(
    strangers=tuple(Share(share=each, llr=D * normal_quantile(each) - D * D / 2) for each in SHARES),
    enrolled=tuple(Share(share=each, llr=D * D / 2 - D * normal_quantile(each)) for each in SHARES),
)
TARGETS = Targets(
    point=Point(target_fmr=0.02, target_fnmr=0.05, prior=0.5),
    shared=True,
    people=(),
    turns=TURNS,
    lead=1.0,
    correlation=0.6,
    half_life_s=8.0,
)
RULES = Rules(
    threshold=0.7,
    hysteresis=0.05,
    min_margin=0.04,
    verify_windows=2,
    unknown_windows=4,
    ttl_s=6.0,
    bounds=TARGETS.bounds(),
    targets=TARGETS,
    wishes={"banned": GroupWish(watchlist=True, ttl_s=3.0)},
)


def people(count: int, groups: tuple[str, ...] = ()) -> tuple[Member, ...]:
    return tuple(Member(f"p{number:03d}", groups) for number in range(count))


def window(llrs: dict[str, float], stop: int = 3 * RATE, reasons: tuple[str, ...] = ()) -> Evidence:
    ranked = sorted(llrs.items(), key=lambda item: -item[1])
    scores = Scores.listed([Score(name, 0.7 + llr / 40.0, llr, llr) for name, llr in ranked])
    return Evidence("desk", "desk-1", stop - 3 * RATE, stop, 2.5, 2.5, scores, reasons)


def column(llrs: dict[str, float]) -> Floats:
    """As the decision holds them: by name."""
    return np.array([llrs[name] for name in sorted(llrs)])


class Listening:
    """Feeds a decider one window a hop, all of it new speech."""

    def __init__(self, rules: Rules) -> None:
        self.decider = Decider(rules)
        self.stop = 3 * RATE - HOP

    def hear(self, llrs: dict[str, float], times: int = 1, reasons: tuple[str, ...] = ()) -> list[Event]:
        said: list[Event] = []
        for _ in range(times):
            self.stop += HOP
            said += self.decider.on_window(window(llrs, self.stop, reasons))[1]
        return said


FAMILY = (Member("anna", ("family",)), Member("ben", ("family",)), Member("carla", ("banned",)))


@pytest.mark.parametrize("count", [1, 2, 10, 30])
def test_a_stranger_is_taken_for_anybody_no_more_often_than_asked(count: int) -> None:
    bounds = TARGETS.bounds(people(count))
    random = np.random.default_rng(5)
    strangers = random.normal(-D * D / 2, D, (100_000, count))
    taken = float((strangers.max(axis=1) >= bounds.accept).mean())
    assert taken <= 0.02 * 1.1
    assert count == 1 or taken > 0.02 / 3  # and not by asking for far more than needed
    alone = float((strangers.max(axis=1) >= TARGETS.bounds().accept).mean())
    assert count == 1 or alone > 0.02 * 1.5


def test_the_rate_may_be_asked_for_each_person_instead() -> None:
    each = replace(TARGETS, shared=False)
    assert each.bounds(people(30)).accept == pytest.approx(max(each.bounds().accept, math.log(30)))


@pytest.mark.parametrize("count", [1, 2, 5, 20])
@pytest.mark.parametrize("alike", [0.0, 0.5, 1.0])
def test_a_stranger_is_taken_for_anyone_of_a_group_no_more_often_than_asked(count: int, alike: float) -> None:
    """However alike the members are: what is common to their scores is `alike` of the variance."""
    rules = RULES.among(people(count, ("crowd",)))
    (group,) = rules.groups
    assert rules.bounds is not None
    random = np.random.default_rng(6)
    common = random.normal(size=(40_000, 1)) * math.sqrt(alike)
    own = random.normal(size=(40_000, count)) * math.sqrt(1.0 - alike)
    strangers = -D * D / 2 + D * (common + own)
    together = np.log(np.exp(strangers).mean(axis=1))
    assert float((together >= group.accept).mean()) <= 0.02 * 1.1
    # the same formula that decides
    first = dict(zip(group.members, strangers[0].tolist(), strict=True))
    assert of_evidence(group, window(first), column(first), rules.bounds).llr == pytest.approx(together[0])


@given(st.lists(st.floats(-10.0, 10.0), min_size=2, max_size=6), st.floats(-10.0, 10.0))
def test_a_group_is_as_likely_as_its_members_are_together(ours: list[float], other: float) -> None:
    roster = (*people(len(ours), ("crowd",)), Member("zoe"))
    rules = RULES.among(roster)
    (group,) = rules.groups
    assert rules.bounds is not None
    llrs = dict(zip(group.members, ours, strict=True)) | {"zoe": other}
    odds = {name: math.exp(llr) / len(roster) for name, llr in llrs.items()}
    members = sum(odds[name] for name in group.members)
    opinion = of_evidence(group, window(llrs), column(llrs), rules.bounds)
    assert opinion.posterior() == pytest.approx(members / (1.0 + members + odds["zoe"]))
    assert opinion.llr is not None
    assert min(ours) - 1e-9 <= opinion.llr <= max(ours) + 1e-9


def test_two_whom_nobody_can_tell_apart_are_still_somebody_of_the_family() -> None:
    said = Listening(RULES.among(FAMILY)).hear({"anna": 5.0, "ben": 5.0, "carla": -5.0}, 3)
    assert [type(event) for event in said] == [GroupVerified]
    (verified,) = said
    assert isinstance(verified, GroupVerified)
    assert (verified.group, verified.members, verified.likeliest) == ("family", 2, "anna")
    assert verified.topic == "group.verified.desk.family"
    assert verified.llr == pytest.approx(5.0)
    assert verified.posterior is not None
    assert verified.posterior > 0.97


def test_a_persons_verdict_names_their_groups() -> None:
    said = Listening(RULES.among(FAMILY)).hear({"anna": 8.0, "ben": -5.0, "carla": -5.0})
    (verified,) = [event for event in said if isinstance(event, SpeakerVerified)]
    assert verified.groups == ["family"]


def test_a_watchlist_hit_is_said_again_within_its_time_and_ends_in_silence() -> None:
    listening = Listening(RULES.among(FAMILY))
    said = listening.hear({"anna": -6.0, "ben": -6.0, "carla": 8.0}, 10)
    hits = [event for event in said if isinstance(event, WatchlistHit)]
    assert [hit.topic for hit in hits] == ["watchlist.hit.desk.banned"] * len(hits)
    assert max(after.stop - before.stop for before, after in itertools.pairwise(hits)) <= 3 * RATE
    assert {(hit.ttl_s, hit.since) for hit in hits} == {(3.0, hits[0].stop)}
    assert listening.decider.groups == ("banned",)
    (lost,) = [
        event for event in listening.hear({}, 20, ("too_little_speech",)) if isinstance(event, WatchlistLost)
    ]
    assert (lost.group, lost.reason, lost.stop - lost.start > 3 * RATE) == ("banned", "silence", True)


def test_what_is_left_of_evidence_never_says_a_group_again() -> None:
    listening = Listening(replace(RULES, targets=replace(TARGETS, half_life_s=2.0)).among(FAMILY))
    listening.hear({"anna": 6.0, "ben": -5.0, "carla": -5.0}, 4)
    said = listening.hear({"anna": 0.3, "ben": 0.3, "carla": 0.2}, 60)
    again = [event for event in said if isinstance(event, GroupVerified)]
    assert all(event.llr is not None and event.llr_bound and event.llr >= event.llr_bound for event in again)
    assert [event.reason for event in said if isinstance(event, GroupLost)] == ["inconclusive"]


@pytest.mark.parametrize(
    "next_voice",
    [{"anna": -9.0, "ben": -9.0, "carla": -9.0}, {"anna": -9.0, "ben": -9.0, "carla": 9.0}],
    ids=["a stranger", "somebody else who is enrolled"],
)
def test_a_group_ends_as_soon_as_it_is_sure_that_another_speaks(next_voice: dict[str, float]) -> None:
    listening = Listening(RULES.among(FAMILY))
    listening.hear({"anna": 5.0, "ben": -5.0, "carla": -5.0}, 4)
    (lost,) = [event for event in listening.hear(next_voice, 6) if isinstance(event, GroupLost)]
    assert (lost.group, lost.reason) == ("family", "another_voice")


def test_a_group_ends_with_its_stream_and_with_its_last_member() -> None:
    for reason in ("stream", "profile"):
        listening = Listening(RULES.among(FAMILY))
        listening.hear({"anna": 8.0, "ben": -5.0, "carla": -5.0}, 2)
        if reason == "stream":
            said = listening.decider.on_stream_lost("desk", "desk-1", listening.stop)
        else:
            said = listening.decider.on_groups((), "desk", "desk-1", listening.stop)
        assert [event.reason for event in said if isinstance(event, GroupLost)] == [reason]
        assert listening.decider.groups == ()


def test_without_a_calibration_a_group_votes_by_whoever_is_most_alike() -> None:
    listening = Listening(replace(RULES, bounds=None, targets=None).among(FAMILY))
    turns = [{"anna": 4.0, "ben": 3.9, "carla": -6.0}, {"anna": 3.9, "ben": 4.0, "carla": -6.0}] * 2
    said = [event for llrs in turns for event in listening.hear(llrs)]
    (verified,) = said
    assert isinstance(verified, GroupVerified)
    assert (verified.llr, verified.llr_bound, verified.posterior) == (None, None, None)
    ended = listening.hear({"anna": -9.0, "ben": -9.0, "carla": -9.0}, 6)
    assert [event.reason for event in ended if isinstance(event, GroupLost)] == ["another_voice"]


def test_a_point_of_ones_own_is_not_shared_and_the_settings_count_more_than_the_profile() -> None:
    strict, lax = OwnPoint(target_fmr=1e-3), OwnPoint(target_fmr=0.1)
    roster = (Member("anna", own=lax), Member("ben"), Member("carla"))
    bounds = TARGETS.bounds(roster)
    assert bounds.accept_of("anna") == pytest.approx(max(TURNS.accept(0.1, 0.05), math.log(3)))
    assert bounds.accept_of("ben") == pytest.approx(TURNS.accept(0.02 / 2, 0.05))
    overruled = replace(TARGETS, people=(("anna", strict),)).bounds(roster)
    assert overruled.accept_of("anna") == pytest.approx(TURNS.accept(1e-3, 0.05))


def test_somebody_unlikely_needs_more_and_weighs_less() -> None:
    rare = (Member("anna", own=OwnPoint(prior=1e-4)), Member("ben"))
    bounds = TARGETS.bounds(rare)
    assert bounds.accept_of("anna") == pytest.approx(math.log((1.0 - 1e-4) / 1e-4))
    assert bounds.odds_of("anna", 2) < bounds.odds_of("ben", 2)


def test_all_must_be_ruled_out_for_a_voice_to_be_unknown_each_by_their_own_rate() -> None:
    roster = (Member("anna", own=OwnPoint(target_fnmr=1e-3)), Member("ben"))
    rules = RULES.among(roster)
    assert rules.bounds is not None
    assert rules.bounds.reject_of("anna") < rules.bounds.reject_of("ben")
    between = (rules.bounds.reject_of("anna") + rules.bounds.reject_of("ben")) / 2
    assert Listening(rules).hear({"anna": between, "ben": between}) == []
    assert len(Listening(rules).hear({"anna": between - 9.0, "ben": between})) == 1


@given(st.integers(1, 60), st.integers(1, 60))
def test_the_more_are_enrolled_the_more_each_needs(few: int, more: int) -> None:
    few, more = sorted((few, more))
    assert TARGETS.bounds(people(few)).accept <= TARGETS.bounds(people(more)).accept + 1e-9


def test_evidence_for_one_of_a_group_is_kept_as_far_as_the_group_needs_it() -> None:
    rules = RULES.among(people(40, ("crowd",)))
    (group,) = rules.groups
    assert rules.bounds is not None
    assert isinstance(rules.bounds, Bounds)
    assert rules.bounds.most > group.accept + math.log(40)
