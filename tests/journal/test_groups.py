"""A watchlist hit is a line in the journal and in the audit log: once, and once when it is over."""

from __future__ import annotations

from earwitness.control import ListGroups
from earwitness.events import Event, GroupVerified, WatchlistHit, WatchlistLost
from earwitness.schema.examples import EVENTS
from earwitnessd.audit.record import Verdicts, of_event, of_method
from earwitnessd.journal.told import Telling


def example(kind: type[Event]) -> Event:
    return next(event for event in EVENTS if isinstance(event, kind))


HIT, OVER, GROUP = example(WatchlistHit), example(WatchlistLost), example(GroupVerified)


def test_the_journal_tells_a_hit_once_and_its_end() -> None:
    telling = Telling()
    lines = [telling.of(event) for event in (HIT, HIT, GROUP, OVER, HIT)]
    assert [line.text if line else None for line in lines] == [
        "stream desk hears anyone of watchlist banned",
        None,
        "stream desk hears anyone of group family",
        "stream desk no longer hears anyone of banned (another_voice)",
        "stream desk hears anyone of watchlist banned",
    ]
    assert lines[0] is not None
    assert lines[0].fields["group"] == "banned"


def test_the_audit_log_tells_a_hit_once_and_its_end_and_nothing_measured() -> None:
    verdicts = Verdicts()
    lines = [of_event(event, verdicts) for event in (HIT, HIT, GROUP, OVER, HIT)]
    assert [line["type"] if line else None for line in lines] == [
        "watchlist.hit",
        None,
        "group.verified",
        "watchlist.lost",
        "watchlist.hit",
    ]
    assert lines[0] is not None
    assert lines[0]["told"] == {"group": "banned"}
    assert lines[3] is not None
    assert lines[3]["told"] == {"group": "banned", "reason": "another_voice"}


def test_listing_groups_is_no_action() -> None:
    assert of_method("uid 0", ListGroups(), "") is None
