"""What was missed is asked for, delivered in its place, and only the rest is called missed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

import earwitness
from earwitness import Missed, Restarted, SpeakerLost, SpeakerVerified, subscribe
from earwitness.control import EventsSince
from earwitness.control.requests import AnyMethod
from earwitness.endpoints import control_beside
from earwitness.events import Event, SpeakerChanged
from earwitness.subscription import Message, Refill
from earwitnessd.history import MOST_EVENTS, History, Since

from .events import heartbeat, lost, verified
from .fake_publisher import FakeControl, FakePublisher

TIMEOUT_S = 10.0


def message(seq: int) -> Message:
    return Message("t", b"", msgspec.structs.replace(lost(), seq=seq, topic_seq=seq, boot="one"))


def numbers(messages: list[Message]) -> list[int]:
    return [each.event.seq for each in messages]


def test_nothing_is_asked_without_a_hole() -> None:
    refill = Refill()
    assert refill.question("one", None, 7) is None
    assert refill.question("one", 6, 7) is None


def test_a_hole_is_asked_for_once_and_the_next_from_where_the_answer_ended() -> None:
    refill = Refill()
    asked = refill.question("one", 3, 7)
    assert asked is not None
    assert (asked.boot, asked.seq) == ("one", 3)
    refill.on_answer("one", 9, [message(5), message(8)])
    assert refill.question("one", 3, 7) is None
    later = refill.question("one", 3, 20)
    assert later is not None
    assert later.seq == 9


def test_answers_come_out_before_the_event_that_they_precede() -> None:
    refill = Refill()
    refill.question("one", 3, 7)
    refill.on_answer("one", 9, [message(8), message(5)])
    assert numbers(refill.before("one", 7)) == [5]
    assert numbers(refill.before("one", 8)) == []  # it is here itself
    assert numbers(refill.before("one", 20)) == []


def test_answers_of_another_boot_and_of_a_boot_that_is_over_are_dropped() -> None:
    refill = Refill()
    refill.question("one", 3, 7)
    refill.on_answer("two", 9, [message(5)])
    assert refill.before("one", 7) == []
    refill.on_answer("one", 9, [message(5)])
    refill.question("two", 0, 4)
    assert refill.before("two", 4) == []


def test_what_nobody_answered_is_not_asked_again() -> None:
    refill = Refill()
    refill.question("one", 3, 7)
    refill.give_up(7)
    assert refill.question("one", 3, 7) is None


@pytest.mark.parametrize(
    ("events", "control"),
    [("ipc:///a/events", "ipc:///a/control"), ("ipc:///a/other", None), ("tcp://h:1", None)],
)
def test_the_control_endpoint_is_beside_the_events(
    events: str, control: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EARWITNESS_CONTROL", raising=False)
    assert control_beside(events) == control


def number(event: Event, seq: int, boot: str = "one") -> Event:
    return msgspec.structs.replace(event, seq=seq, topic_seq=seq, boot=boot)


def test_the_history_keeps_state_only_and_says_where_it_begins() -> None:
    history = History("one", 3)
    changed = SpeakerChanged(stream="desk", stream_id="1", start=0, stop=1, previous="a", speaker="b")
    for seq, event in enumerate((lost(), changed, verified("anna"), heartbeat(), lost()), 1):
        history.add(number(event, seq))
    assert [msgspec.json.decode(raw)["seq"] for raw in history.since("one", 0, []).events] == [3, 4, 5]
    answer = history.since("one", 3, ["speaker"])
    assert [msgspec.json.decode(raw)["seq"] for raw in answer.events] == [5]
    assert all(msgspec.json.decode(raw)["replayed"] for raw in answer.events)
    assert (answer.seq, answer.gone_before, answer.complete, answer.more) == (5, 2, True, False)
    assert not history.since("one", 0, []).complete
    assert history.since("one", 1, []).complete


def test_of_another_boot_all_there_is_is_answered_and_said_to_be_incomplete() -> None:
    history = History("two", 10)
    history.add(number(lost(), 1, "two"))
    answer = history.since("one", 700, [])
    assert (answer.boot, len(answer.events), answer.complete) == ("two", 1, False)


def test_a_long_history_is_answered_in_parts() -> None:
    history = History("one", 5000)
    for seq in range(1, 1201):
        history.add(number(lost(), seq))
    after, parts = 0, []
    while True:
        answer = history.since("one", after, [])
        parts.append(len(answer.events))
        after = msgspec.json.decode(answer.events[-1])["seq"]
        if not answer.more:
            break
    assert parts == [MOST_EVENTS, MOST_EVENTS, 200]


def test_without_room_nothing_is_kept_and_nothing_promised() -> None:
    history = History("one", 0)
    history.add(number(lost(), 1))
    answer = history.since("one", 0, [])
    assert (answer.events, answer.complete) == ([], False)


class Daemon:
    """A publisher that loses what it is told to, and its control socket with a real history."""

    def __init__(self, folder: Path, boot: str = "one") -> None:
        self.publisher = FakePublisher(f"ipc://{folder}/events", boot=boot)
        self.history = History(boot, 1000)
        self.seq = 0
        self.asked: list[EventsSince] = []
        self.control = FakeControl(f"ipc://{folder}/control", self.answer)

    def answer(self, method: AnyMethod, _: bytes | None) -> Since | None:
        assert isinstance(method, EventsSince)
        self.asked.append(method)
        return self.history.since(method.boot, method.seq, method.topics)

    def remember(self, *events: Event) -> None:
        counts: dict[str, int] = {}
        for event in events:
            self.seq += 1
            counts[event.topic] = counts.get(event.topic, 0) + 1
            self.history.add(
                msgspec.structs.replace(
                    event, boot=self.publisher.boot, seq=self.seq, topic_seq=counts[event.topic]
                )
            )


CHANGED = SpeakerChanged(stream="desk", stream_id="1", start=0, stop=1, previous="anna", speaker="ben")
STORY = (verified("anna"), lost("anna"), verified("ben"), CHANGED, verified("carla"))


def test_a_gap_is_filled_in_order_and_only_the_rest_is_missed(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.remember(*STORY, verified("anna"))
    with (
        daemon.publisher as publisher,
        daemon.control,
        subscribe(publisher.endpoint, timeout_s=TIMEOUT_S) as subscription,
    ):
        assert publisher.subscribed.wait(TIMEOUT_S)
        publisher.publish(STORY[0])
        while not isinstance(next(subscription), SpeakerVerified):
            pass
        publisher.lose(*STORY[1:])
        publisher.publish(STORY[0])
        items: list[object] = []
        while not (items and isinstance(items[-1], SpeakerVerified) and not items[-1].replayed):
            items.append(next(subscription))
        counts = subscription.counts
    told = [item for item in items if isinstance(item, Event | Missed)]
    assert isinstance(told[0], SpeakerLost)
    assert [getattr(item, "speaker", None) for item in told[1:3]] == ["ben", "carla"]
    assert all(item.replayed for item in told[:3] if isinstance(item, Event))
    assert told[3] == Missed(topic=None, count=1)
    assert (counts.received, counts.filled, counts.missed) == (5, 3, 1)
    assert [(asked.boot, asked.seq) for asked in daemon.asked] == [("one", 1)]


def test_a_part_is_filled_by_its_topic(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.remember(*[lost()] * 4)
    with (
        daemon.publisher as publisher,
        daemon.control,
        subscribe(publisher.endpoint, ["speaker.lost"], notices=False, timeout_s=TIMEOUT_S) as subscription,
    ):
        assert publisher.subscribed.wait(TIMEOUT_S)
        publisher.publish(lost())
        assert next(subscription).seq == 1
        publisher.lose(lost(), lost())
        publisher.publish(lost())
        assert [next(subscription).seq for _ in range(3)] == [2, 3, 4]
        assert daemon.asked[0].topics == ["speaker.lost"]


def test_a_new_boot_is_filled_from_its_first_event(tmp_path: Path) -> None:
    with subscribe(f"ipc://{tmp_path}/events", timeout_s=TIMEOUT_S) as subscription:
        with FakePublisher(f"ipc://{tmp_path}/events", boot="zero") as first:
            assert first.subscribed.wait(TIMEOUT_S)
            first.publish(lost())
            while not isinstance(next(subscription), SpeakerLost):
                pass
        daemon = Daemon(tmp_path)
        daemon.remember(*STORY[:3])
        with daemon.control, daemon.publisher as publisher:
            publisher.lose(*STORY[:2])
            items: list[object] = []
            while not publisher.subscribed.is_set():
                items.append(subscription.receive(0.1))
            publisher.publish(STORY[2])
            while not (items and isinstance(items[-1], SpeakerVerified) and items[-1].speaker == "ben"):
                items.append(next(subscription))
    restarted = next(item for item in items if isinstance(item, Restarted))
    assert restarted == Restarted(boot="one", previous="zero", end_heard=False)
    assert [item.seq for item in items if isinstance(item, Event)][-3:] == [1, 2, 3]
    assert not any(isinstance(item, Missed) for item in items)


@pytest.mark.parametrize("fill", [True, False])
def test_without_an_answer_it_is_told_within_a_moment(tmp_path: Path, fill: bool) -> None:
    with (
        FakeControl(f"ipc://{tmp_path}/control", lambda *_: None) as control,
        FakePublisher(f"ipc://{tmp_path}/events") as publisher,
        subscribe(publisher.endpoint, fill=fill, timeout_s=TIMEOUT_S) as subscription,
    ):
        assert publisher.subscribed.wait(TIMEOUT_S)
        publisher.publish(lost())
        while not isinstance(next(subscription), SpeakerLost):
            pass
        publisher.lose(lost(), lost())
        publisher.publish(lost())
        assert next(subscription) == Missed(topic=None, count=2)
        assert isinstance(next(subscription), SpeakerLost)
        assert control.requests.empty() is not fill


def test_asyncio_fills_as_well(tmp_path: Path) -> None:
    async def listen(daemon: Daemon, publisher: FakePublisher) -> list[int]:
        async with earwitness.asubscribe(
            publisher.endpoint, notices=False, timeout_s=TIMEOUT_S
        ) as subscription:
            waiting = asyncio.ensure_future(anext(subscription))
            assert await asyncio.to_thread(publisher.subscribed.wait, TIMEOUT_S)
            publisher.publish(lost())
            heard = [(await waiting).seq]
            publisher.lose(lost(), lost())
            publisher.publish(lost())
            return heard + [(await anext(subscription)).seq for _ in range(3)]

    daemon = Daemon(tmp_path)
    daemon.remember(*[lost()] * 4)
    with daemon.publisher as publisher, daemon.control:
        assert asyncio.run(asyncio.wait_for(listen(daemon, publisher), TIMEOUT_S)) == [1, 2, 3, 4]
