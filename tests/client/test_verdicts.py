"""Who speaks, by events and their times to live."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from earwitness.durations import parse_duration
from earwitness.events import SpeakerLost, SpeakerVerified
from earwitness.notices import Connected, Disconnected
from earwitness.verdicts import EXPIRED, Decision, Verdicts

from .events import lost, unknown, verified

NOW, WALL = 100.0, 1_790_000_000.0


def numbered(
    event: Decision, seq: int, *, boot: str = "b", replayed: bool = False, age_s: float = 0.0
) -> Decision:
    time = datetime.fromtimestamp(WALL - age_s, UTC).isoformat()
    return msgspec.structs.replace(event, boot=boot, seq=seq, replayed=replayed, time=time)


def test_a_restatement_is_no_turn_but_prolongs_the_verdict() -> None:
    verdicts = Verdicts(grace_s=0.0)
    turn = verdicts.on_item(numbered(verified("anna", ttl_s=5), 1), NOW, WALL)
    assert turn is not None
    assert not turn.found
    assert turn.verdict.identity == ("verified", "anna")
    assert verdicts.on_item(numbered(verified("anna", ttl_s=5), 2), NOW + 3, WALL + 3) is None
    assert verdicts.expire(NOW + 7, WALL + 7) == []
    assert verdicts.next_expiry() == NOW + 8


def test_what_nobody_restates_becomes_lost_by_our_own_account() -> None:
    verdicts = Verdicts(grace_s=0.0)
    verdicts.on_item(numbered(verified("anna", ttl_s=5), 1), NOW, WALL)
    (turn,) = verdicts.expire(NOW + 5, WALL + 5)
    assert turn.verdict.kind == "nobody"
    event = turn.verdict.event
    assert isinstance(event, SpeakerLost)
    assert (event.previous, event.reason, event.seq) == ("anna", EXPIRED, 0)
    assert verdicts.expire(NOW + 99, WALL + 99) == []


def test_an_event_heard_before_and_one_older_than_the_last_change_nothing() -> None:
    verdicts = Verdicts()
    verdicts.on_item(numbered(verified("anna"), 5), NOW, WALL)
    verdicts.on_item(numbered(lost("anna"), 7), NOW, WALL)
    assert verdicts.on_item(numbered(verified("anna"), 5, replayed=True), NOW, WALL) is None
    assert verdicts.on_item(numbered(unknown(), 6), NOW, WALL) is None
    assert verdicts.on_item(numbered(verified("anna"), 1, boot="c"), NOW, WALL) is not None


def test_a_last_value_counts_for_what_is_left_of_its_time() -> None:
    verdicts = Verdicts(grace_s=0.0)
    verdicts.on_item(numbered(verified("anna", ttl_s=5), 1, replayed=True, age_s=4), NOW, WALL)
    assert verdicts.next_expiry() == pytest.approx(NOW + 1)


@pytest.mark.parametrize("time", ["", "yesterday", datetime.fromtimestamp(WALL - 60, UTC).isoformat()])
def test_a_last_value_too_old_or_of_no_known_age_is_nobody(time: str) -> None:
    stale = msgspec.structs.replace(verified("anna", ttl_s=5), boot="b", seq=1, replayed=True, time=time)
    turn = Verdicts().on_item(stale, NOW, WALL)
    assert turn is not None
    assert turn.verdict.kind == "nobody"


def test_a_last_value_is_found_only_at_the_first_coming() -> None:
    first = Verdicts().on_item(numbered(verified(), 1, replayed=True), NOW, WALL)
    assert first is not None
    assert first.found
    returning = Verdicts()
    for notice in (
        Connected(endpoint="e"),
        Disconnected(endpoint="e", reason="gone"),
        Connected(endpoint="e"),
    ):
        returning.on_item(notice, NOW, WALL)
    turn = returning.on_item(numbered(verified(), 1, replayed=True), NOW, WALL)
    assert turn is not None
    assert not turn.found


def test_the_event_of_a_verdict_is_the_newest() -> None:
    verdicts = Verdicts()
    verdicts.on_item(numbered(verified("anna", score=0.7), 1), NOW, WALL)
    verdicts.on_item(numbered(verified("anna", score=0.9), 2), NOW, WALL)
    event = verdicts.standing["desk"].event
    assert isinstance(event, SpeakerVerified)
    assert event.score == 0.9


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("5s", 5.0), ("2m", 120.0), ("1h", 3600.0), ("0.5 s", 0.5), ("0s", 0.0)],
)
def test_durations_are_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["5", "s", "", "-1s", "1d", "5 seconds", "nans"])
def test_another_duration_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="such as 500ms, 5s, 2m or 1h"):
        parse_duration(text)
