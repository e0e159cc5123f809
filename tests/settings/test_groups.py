"""What the settings may say of groups and of single people, and what they are told if they do not fit."""

from __future__ import annotations

import logging

import pytest

from earwitnessd.assemble import rules_for
from earwitnessd.decision import GroupWish, OwnPoint
from earwitnessd.settings.load import load
from earwitnessd.settings.validate import SettingsError

from ..calibration.making import calibrator


def test_a_group_differs_in_what_is_said_of_it() -> None:
    settings = load(
        None, ["decision.groups={banned: {watchlist: true, target_fmr: 0.001, ttl_s: 20}, staff: {}}"]
    )
    rules = rules_for(settings.decision, None, "small", calibrator())
    assert rules.wishes == {
        "banned": GroupWish(OwnPoint(target_fmr=0.001), watchlist=True, ttl_s=20.0),
        "staff": GroupWish(),
    }


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("decision.groups={staff: {watch: true}}", "decision.groups.staff.watch: unknown key; did you mean"),
        (
            "decision.groups={staff: {watchlist: 3}}",
            "decision.groups.staff.watchlist = 3: must be true or false",
        ),
        ("decision.groups={staff: {target_fmr: 2}}", "decision.groups.staff.target_fmr = 2: must be"),
        ("decision.groups={staff: {prior: 1}}", "decision.groups.staff.prior = 1: must be"),
        ("decision.groups={staff: {ttl_s: 0.5}}", "decision.groups.staff.ttl_s = 0.5: must be"),
        ("decision.groups={two words: {}}", "the name must be text of 1 to 64 letters, digits, _ and -"),
        ("decision.groups={a.b: {}}", "the name must be text of 1 to 64 letters"),
        ("decision.target_fmr_for=group", "decision.target_fmr_for = 'group': must be one of anybody, each"),
        ("decision.people={anna: {}}", "decision.people.anna = {}: set target_fmr, target_fnmr or prior"),
    ],
)
def test_what_does_not_fit_is_refused_and_named(override: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(None, [override])
    assert said in str(refused.value)


def test_a_time_to_live_leaves_room_to_be_said_again() -> None:
    slow = ["windows.hop_s=2", "decision.groups={staff: {ttl_s: 3}}"]
    with pytest.raises(SettingsError, match=r"decision.groups.staff.ttl_s = 3.0: must be at least twice"):
        load(None, slow)


@pytest.mark.parametrize("cosine", ["decision.method=cosine", "decision.threshold=0.8"])
def test_a_rate_beside_a_cosine_threshold_is_refused(cosine: str) -> None:
    with pytest.raises(SettingsError, match=r"decision.groups.staff.target_fmr = 0.001: a cosine threshold"):
        load(None, [cosine, "decision.groups={staff: {target_fmr: 0.001}}"])
    assert (
        load(None, [cosine, "decision.groups={staff: {watchlist: true}}"]).decision.groups["staff"].watchlist
    )


def test_where_there_is_no_calibration_it_is_said_that_rates_do_not_hold(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = load(None, ["decision.groups={staff: {target_fmr: 0.001}, banned: {watchlist: true}}"])
    with caplog.at_level(logging.WARNING):
        rules_for(settings.decision, 0.8, "large", None)
    assert "decision.groups.staff: without a calibration of large a cosine decides" in caplog.text
    assert "banned" not in caplog.text
