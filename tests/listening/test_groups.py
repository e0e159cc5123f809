"""Groups and operating points in the running engine: asked for by control, told in events."""

from __future__ import annotations

from dataclasses import replace

from earwitness.control import (
    AddToGroup,
    Done,
    Groups,
    GroupState,
    ListGroups,
    ListProfiles,
    Profile,
    Profiles,
    RemoveFromGroup,
    SetProfile,
    ShowProfile,
)
from earwitness.events import GroupLost, GroupVerified, ProfileUpdated, SpeakerVerified, WatchlistHit
from earwitnessd.assemble import rules_for
from earwitnessd.decision import GroupWish
from earwitnessd.handover import Answer, Ask, NewRules, Refusal
from earwitnessd.settings.root import Decision

from ..calibration.making import calibration
from ..voices import ANNA_HZ, BEN_HZ, TONE_RULES, ToneEmbedder, talking
from .engine import Engine, HeldEmbedder
from .test_calibrated import calibrator

WATCHED = replace(TONE_RULES, wishes={"banned": GroupWish(watchlist=True, ttl_s=3.0), "empty": GroupWish()})


def answered(answer: Answer | Refusal) -> object:
    assert isinstance(answer, Answer), answer
    return answer.result


def test_a_group_is_told_of_from_its_first_member_on_and_ends_with_its_last() -> None:
    with Engine(enrolled={"anna": ANNA_HZ, "ben": BEN_HZ}) as engine:
        mouth = engine.open()
        joined = answered(engine.ask(AddToGroup(group="family", name="anna")))
        assert joined == Done(message="anna is one of family now")
        assert engine.until_said(ProfileUpdated).groups == ["family"]
        engine.say(mouth, talking(ANNA_HZ, 5.0))
        verified = engine.until_said(GroupVerified)
        assert (verified.group, verified.members, verified.likeliest) == ("family", 1, "anna")
        person = engine.until_said(SpeakerVerified)
        assert (person.speaker, person.groups) == ("anna", ["family"])
        answered(engine.ask(RemoveFromGroup(group="family", name="anna")))
        lost = engine.until_said(GroupLost)
        assert (lost.group, lost.reason) == ("family", "profile")


def test_a_group_counts_for_the_audio_that_comes_with_its_first_member() -> None:
    held = HeldEmbedder()
    with Engine(held, enrolled={"anna": ANNA_HZ, "ben": BEN_HZ}) as engine:
        mouth = engine.open()
        engine.say(mouth, talking(ANNA_HZ, 3.0))
        assert held.entered.wait(20.0)
        engine.tell(Ask(1, AddToGroup(group="family", name="anna"), b""))
        engine.say(mouth, talking(ANNA_HZ, 1.0))
        held.let_go.set()
        assert engine.until_said(GroupVerified).stop == 64_000


def test_a_watchlist_in_the_settings_says_hits() -> None:
    with Engine(enrolled={"anna": ANNA_HZ, "ben": BEN_HZ}) as engine:
        mouth = engine.open()
        answered(engine.ask(AddToGroup(group="banned", name="ben")))
        engine.tell(NewRules(WATCHED))
        engine.until_obeyed()
        engine.say(mouth, talking(BEN_HZ, 5.0))
        hit = engine.until_said(WatchlistHit)
        assert (hit.topic, hit.ttl_s) == (f"watchlist.hit.{hit.stream}.banned", 3.0)
        assert engine.of(GroupVerified) == []
        listed = answered(engine.ask(ListGroups()))
        assert listed == Groups(
            groups=[
                GroupState(name="banned", members=["ben"], watchlist=True, ttl_s=3.0, llr_bound=None),
                GroupState(name="empty", members=[], watchlist=False, ttl_s=TONE_RULES.ttl_s, llr_bound=None),
            ]
        )


def test_what_was_heard_outlives_a_reload_that_changes_nothing() -> None:
    with Engine(enrolled={"anna": ANNA_HZ, "ben": BEN_HZ}) as engine:
        mouth = engine.open()
        answered(engine.ask(AddToGroup(group="family", name="anna")))
        engine.say(mouth, talking(ANNA_HZ, 4.0))
        engine.until_said(GroupVerified)
        engine.tell(NewRules(TONE_RULES))
        engine.until_obeyed()
        engine.say(mouth, talking(ANNA_HZ, 5.0))
        again = engine.until_said(GroupVerified, 2)
        person = engine.until_said(SpeakerVerified, 2)
        assert again.since == engine.of(GroupVerified)[0].since
        assert person.since == engine.of(SpeakerVerified)[0].since
        assert engine.of(GroupLost) == []


def test_an_operating_point_is_kept_with_the_profile_and_decides_at_once() -> None:
    rules = rules_for(Decision(target_fmr=0.1), 0.8, "tones", calibrator())
    with Engine(enrolled={"anna": ANNA_HZ, "ben": BEN_HZ}) as engine:
        engine.tell(NewRules(rules, calibrator()))
        engine.until_obeyed()
        before = answered(engine.ask(ShowProfile(name="anna")))
        strict = answered(engine.ask(SetProfile(name="anna", target_fmr=0.001)))
        assert isinstance(before, Profile)
        assert isinstance(strict, Profile)
        assert (before.target_fmr, strict.target_fmr, strict.target_fnmr) == (None, 0.001, None)
        assert before.llr_bound is not None
        assert strict.llr_bound is not None
        points = calibration(ToneEmbedder().model_id).turns
        assert strict.llr_bound == points.accept(0.001, 0.05) > before.llr_bound
        kept = answered(engine.ask(SetProfile(name="anna", target_fnmr=0.1)))
        assert isinstance(kept, Profile)
        assert (kept.target_fmr, kept.target_fnmr) == (0.001, 0.1)
        cleared = answered(engine.ask(SetProfile(name="anna", clear=True)))
        assert cleared == before


def test_who_is_not_enrolled_or_not_in_it_is_refused() -> None:
    with Engine(enrolled={"anna": ANNA_HZ}) as engine:
        for method in (AddToGroup(group="family", name="eve"), SetProfile(name="eve", prior=0.1)):
            refusal = engine.ask(method)
            assert isinstance(refusal, Refusal)
            assert (refusal.code, refusal.message) == ("not_found", "nobody called 'eve' is enrolled")
        refusal = engine.ask(RemoveFromGroup(group="family", name="anna"))
        assert isinstance(refusal, Refusal)
        assert refusal.message == "anna is not one of family"
        answered(engine.ask(AddToGroup(group="family", name="anna")))
        assert answered(engine.ask(AddToGroup(group="family", name="anna"))) == Done(
            message="anna is one of family already"
        )
        listed = answered(engine.ask(ListProfiles()))
        assert isinstance(listed, Profiles)
        assert [person.groups for person in listed.profiles] == [["family"]]
