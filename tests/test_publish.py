"""What goes out over a real XPUB: numbered, with the last values for whoever comes later."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from earwitness.events import (
    AnyEvent,
    DaemonStarted,
    DaemonStopping,
    Event,
    ForeignEvent,
    ProfileDeleted,
    SpeakerLost,
    SpeakerUnknown,
    SpeakerVerified,
    StreamGap,
    decode,
)
from earwitnessd.access.sockets import open_events
from earwitnessd.publish import Publisher, rfc3339
from earwitnessd.settings.root import Sockets

from .client.events import lost, unknown, verified

TIMEOUT_MS = 10_000
STARTED = DaemonStarted(version="1", pid=7, model="m", model_id="m@1", device="cpu", streams=["desk"])
END = ProfileDeleted(speaker="end")


class Listener:
    """A subscriber that lets the publisher know of it."""

    def __init__(self, house: House, *prefixes: str) -> None:
        self.socket = house.connected(zmq.SUB)
        for prefix in prefixes:
            self.socket.subscribe(prefix)
            house.welcome()

    def next(self) -> AnyEvent | ForeignEvent:
        assert self.socket.poll(TIMEOUT_MS), "nothing was received"
        topic, body = self.socket.recv_multipart()
        event = decode(body)
        assert isinstance(event, Event)
        assert event.topic == topic.decode()
        return event

    def until_end(self) -> list[AnyEvent | ForeignEvent]:
        """Everything up to the event END."""
        received: list[AnyEvent | ForeignEvent] = []
        while not isinstance(event := self.next(), ProfileDeleted):
            received.append(event)
        return received


class House:
    """A publisher on a socket of its own."""

    def __init__(self, folder: Path) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.endpoint = f"ipc://{folder}/events"
        self.socket = open_events(self.context, self.endpoint, Sockets())
        self.publisher = Publisher(self.socket, boot="boot-1")

        self._connected: list[zmq.Socket[bytes]] = []

    def connected(self, kind: int, receive_high_water: int = 1000) -> zmq.Socket[bytes]:
        """A client's socket, closed at the end."""
        socket = self.context.socket(kind)
        socket.linger = 0
        socket.rcvhwm = receive_high_water
        socket.connect(self.endpoint)
        self._connected.append(socket)
        return socket

    def close(self) -> None:
        for socket in self._connected:
            socket.close()
        self.socket.close(linger=0)
        self.context.term()

    def welcome(self) -> None:
        """Wait for somebody to subscribe or leave, and answer."""
        assert self.socket.poll(TIMEOUT_MS), "nobody came"
        self.publisher.on_subscriptions()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def gap(start: int, stream: str = "desk") -> StreamGap:
    return StreamGap(
        stream=stream, stream_id=f"{stream}-1", start=start, stop=start + 1, samples=1, reason="overflow"
    )


def test_every_event_gets_the_next_number_and_its_topics_next_number(house: House) -> None:
    listener = Listener(house, "")
    for event in (gap(0), gap(1, "door"), gap(2), verified("anna"), verified("ben"), verified("anna")):
        house.publisher.publish(event)
    received = [listener.next() for _ in range(6)]
    assert [event.seq for event in received] == [1, 2, 3, 4, 5, 6]
    assert [event.topic_seq for event in received] == [1, 1, 2, 1, 1, 2]
    assert {event.boot for event in received} == {"boot-1"}
    assert not any(event.replayed for event in received)
    assert house.publisher.events == 6


def test_an_event_without_a_time_gets_the_present_one_and_a_dated_one_keeps_its_own(house: House) -> None:
    now = house.publisher.publish(gap(0)).time
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", now)
    dated = StreamGap(
        stream="desk", stream_id="1", start=0, stop=1, samples=1, reason="clock", time=rfc3339(1.5)
    )
    assert house.publisher.publish(dated).time == "1970-01-01T00:00:01.500Z"


def test_a_prefix_receives_its_topics_only(house: House) -> None:
    listener = Listener(house, "speaker.verified.desk")
    for event in (gap(0), verified("anna"), verified("anna", stream="door"), unknown()):
        house.publisher.publish(event)
    house.publisher.publish(verified("ben"))
    first, second = listener.next(), listener.next()
    assert isinstance(first, SpeakerVerified)
    assert isinstance(second, SpeakerVerified)
    assert (first.speaker, second.speaker) == ("anna", "ben")


def test_whoever_comes_later_receives_the_last_values_marked_as_such(house: House) -> None:
    house.publisher.publish(STARTED)
    house.publisher.publish(gap(0))
    house.publisher.publish(verified("anna"))
    listener = Listener(house, "")
    house.publisher.publish(END)
    started, said = listener.until_end()
    assert isinstance(started, DaemonStarted)
    assert isinstance(said, SpeakerVerified)
    assert (started.replayed, started.seq, said.replayed, said.seq) == (True, 1, True, 3)
    assert house.publisher.events == 4


def test_a_replay_keeps_boot_time_and_numbers(house: House) -> None:
    published = house.publisher.publish(verified("anna"))
    replayed = Listener(house, "speaker").next()
    assert isinstance(replayed, SpeakerVerified)
    for field in ("boot", "seq", "topic_seq", "time", "speaker", "stop"):
        assert getattr(replayed, field) == getattr(published, field)


@pytest.mark.parametrize("last", [verified("ben"), unknown(), lost()])
def test_of_a_streams_speaker_only_the_last_word_is_replayed(house: House, last: Event) -> None:
    for event in (verified("anna"), unknown(), lost(), verified("anna"), last):
        house.publisher.publish(event)
    house.publisher.publish(verified("carla", stream="door"))
    listener = Listener(house, "speaker")
    listener.socket.subscribe("profile")
    house.welcome()
    house.publisher.publish(END)
    desk, door = listener.until_end()
    assert type(desk) is type(last)
    assert isinstance(desk, SpeakerVerified | SpeakerUnknown | SpeakerLost)
    assert desk.seq == 5
    assert isinstance(door, SpeakerVerified)
    assert door.speaker == "carla"


def test_a_prefix_is_replayed_what_it_would_have_received(house: House) -> None:
    for event in (STARTED, verified("anna"), verified("ben", stream="door")):
        house.publisher.publish(event)
    listener = Listener(house, "speaker.verified.door", "profile")
    house.publisher.publish(END)
    (door,) = listener.until_end()
    assert isinstance(door, SpeakerVerified)
    assert door.speaker == "ben"


def test_an_older_state_that_a_newer_one_replaced_is_not_replayed_to_its_topic(house: House) -> None:
    house.publisher.publish(verified("anna"))
    house.publisher.publish(lost())
    listener = Listener(house, "speaker.verified", "profile")
    house.publisher.publish(END)
    assert listener.until_end() == []


def test_a_stopping_daemon_replaces_a_started_one(house: House) -> None:
    house.publisher.publish(STARTED)
    house.publisher.publish(DaemonStopping(reason="SIGTERM"))
    assert isinstance(Listener(house, "daemon").next(), DaemonStopping)


def test_two_subscribers_receive_the_same(house: House) -> None:
    listeners = [Listener(house, ""), Listener(house, "")]
    for start in range(50):
        house.publisher.publish(gap(start))
    house.publisher.publish(END)
    for listener in listeners:
        assert [event.seq for event in listener.until_end()] == list(range(1, 51))


def test_the_second_on_a_topic_is_replayed_to_as_well(house: House) -> None:
    house.publisher.publish(verified("anna"))
    assert Listener(house, "speaker").next().replayed
    assert Listener(house, "speaker").next().replayed


def test_subscriptions_are_counted_and_forgotten(house: House) -> None:
    listener = Listener(house, "speaker", "stream")
    again = Listener(house, "speaker")
    assert house.publisher.subscriptions == 2
    listener.socket.close()
    house.welcome()
    assert house.publisher.subscriptions == 1
    again.socket.close()
    house.welcome()
    assert house.publisher.subscriptions == 0


@pytest.mark.parametrize("message", [b"", b"\x02speaker", b"speaker", b"\xff"])
def test_a_message_that_is_no_subscription_changes_nothing(house: House, message: bytes) -> None:
    listener = Listener(house, "speaker")
    stranger = house.connected(zmq.XSUB)
    stranger.send(message)
    stranger.send(b"\x01stream")
    while house.publisher.subscriptions < 2:
        house.welcome()
    house.publisher.publish(verified("anna"))
    assert listener.next().seq == 1


def test_a_subscriber_that_reads_nothing_holds_up_neither_the_publisher_nor_the_others(house: House) -> None:
    stuck = house.connected(zmq.SUB, receive_high_water=1)
    stuck.subscribe("")
    house.welcome()
    listener = Listener(house, "")
    for start in range(20_000):
        house.publisher.publish(gap(start))
        if start % 1000 == 999:
            assert [listener.next().seq for _ in range(1000)] == list(range(start - 998, start + 2))
    received = 0
    while stuck.poll(200):
        stuck.recv_multipart()
        received += 1
    assert received < 20_000
