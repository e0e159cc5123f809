"""What numbers tell about events that never came, or came twice."""

from __future__ import annotations

import random

import msgspec
import pytest

from earwitness.notices import Missed, Restarted
from earwitness.subscription import GapTracker


class Header(msgspec.Struct, frozen=True):
    seq: int
    topic_seq: int
    boot: str = "one"
    replayed: bool = False


def everything(*numbers: int, boot: str = "one", replayed: bool = False) -> list[Header]:
    """Events of as many topics, numbered by `seq` alone."""
    return [Header(number, 0, boot, replayed) for number in numbers]


def missed_by(tracker: GapTracker, headers: list[Header], topic: str = "t") -> int:
    notices = [notice for header in headers for notice in tracker.on_event(topic, header).notices]
    return sum(notice.count for notice in notices if isinstance(notice, Missed))


@pytest.mark.parametrize(
    ("numbers", "missed"),
    [([1, 2, 3], 0), ([40, 41], 0), ([1, 3], 1), ([1, 5, 6, 9], 5), ([7], 0)],
)
def test_a_hole_in_seq_counts_what_is_missing_from_the_first_event_heard(
    numbers: list[int], missed: int
) -> None:
    assert missed_by(GapTracker(complete=True), everything(*numbers)) == missed


def test_a_part_is_followed_by_topic_seq_and_ignores_holes_in_seq() -> None:
    tracker = GapTracker(complete=False)
    assert missed_by(tracker, [Header(10, 3), Header(25, 4)], topic="a") == 0
    assert missed_by(tracker, [Header(26, 1), Header(90, 4)], topic="b") == 2
    sighting = tracker.on_event("a", Header(91, 6))
    assert sighting.notices == (Missed(topic="a", count=1),)


def test_last_values_are_no_gaps_when_they_come_first() -> None:
    tracker = GapTracker(complete=True)
    replays = [Header(1, 1, replayed=True), Header(500, 480, replayed=True), Header(3, 1, replayed=True)]
    for topic, header in zip(("daemon.started", "heartbeat", "stream.opened.desk"), replays, strict=True):
        sighting = tracker.on_event(topic, header)
        assert sighting.fresh
        assert sighting.notices == ()
    assert missed_by(tracker, everything(505, 506)) == 0


def test_a_last_value_already_seen_is_a_duplicate() -> None:
    tracker = GapTracker(complete=True)
    assert tracker.on_event("heartbeat", Header(5, 2)).fresh
    assert not tracker.on_event("heartbeat", Header(5, 2, replayed=True)).fresh
    assert tracker.on_event("heartbeat", Header(6, 3)).fresh


def test_a_last_value_that_was_missed_live_is_not_counted_as_missed() -> None:
    tracker = GapTracker(complete=True)
    tracker.on_event("heartbeat", Header(10, 5))
    tracker.on_event("heartbeat", Header(14, 8, replayed=True))  # 11 to 14 went by while disconnected
    assert missed_by(tracker, everything(16)) == 4  # 11, 12, 13, 15


def test_a_restart_owes_its_events_from_the_first() -> None:
    tracker = GapTracker(complete=True)
    tracker.on_event("heartbeat", Header(100, 90))
    first = tracker.on_event("heartbeat", Header(4, 1, boot="two"))
    assert first.notices == (Restarted(boot="two", previous="one"), Missed(topic=None, count=3))
    assert missed_by(tracker, everything(5, boot="two")) == 0


def test_a_restart_owes_a_part_its_events_from_the_first() -> None:
    tracker = GapTracker(complete=False)
    tracker.on_event("speaker.lost.desk", Header(100, 90))
    assert tracker.on_boot("two") == Restarted(boot="two", previous="one")
    sighting = tracker.on_event("speaker.unknown.desk", Header(9, 3, boot="two"))
    assert sighting.notices == (Missed(topic="speaker.unknown.desk", count=2),)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("complete", [True, False])
def test_missed_is_exactly_what_was_published_after_the_first_and_never_heard(
    seed: int, complete: bool
) -> None:
    """A connection that loses, breaks and gets last values again, against a count kept by the sender."""
    chance = random.Random(seed)
    tracker = GapTracker(complete=complete)
    topics = ["heartbeat", "speaker.lost.desk", "window.scored.desk"]
    topic_seq = dict.fromkeys(topics, 0)
    cache: dict[str, Header] = {}
    published: dict[str | None, list[int]] = {}
    delivered: dict[str | None, list[int]] = {}
    last_live: dict[str | None, int] = {}
    missed = 0
    for seq in range(1, 300):
        topic = chance.choice(topics)
        topic_seq[topic] += 1
        header = cache[topic] = Header(seq, topic_seq[topic])
        group = None if complete else topic
        number = header.seq if complete else header.topic_seq
        arriving = [(topic, header)] if chance.random() < 0.7 else []
        if chance.random() < 0.05:
            arriving += [(name, msgspec.structs.replace(last, replayed=True)) for name, last in cache.items()]
        published.setdefault(group, []).append(number)
        for name, heard in arriving:
            sighting = tracker.on_event(name, heard)
            missed += sum(n.count for n in sighting.notices if isinstance(n, Missed))
            key = None if complete else name
            if sighting.fresh:
                delivered.setdefault(key, []).append(heard.seq if complete else heard.topic_seq)
                if not heard.replayed:
                    last_live[key] = heard.seq if complete else heard.topic_seq
                    last_live.setdefault("first " + str(key), last_live[key])
    for numbers in delivered.values():
        assert len(numbers) == len(set(numbers)), "delivered twice"
    expected = 0
    for group, numbers in published.items():
        if group not in last_live:
            continue
        span = range(last_live["first " + str(group)], last_live[group] + 1)
        expected += len([n for n in numbers if n in span and n not in delivered[group]])
    assert missed >= expected
    assert missed - expected <= late_replays(delivered, last_live)


def late_replays(delivered: dict[str | None, list[int]], last_live: dict[str | None, int]) -> int:
    """Values delivered after a higher number: counted as missed before their replay came."""
    late = 0
    for numbers in delivered.values():
        highest = 0
        for number in numbers:
            late += number < highest
            highest = max(highest, number)
    return late
