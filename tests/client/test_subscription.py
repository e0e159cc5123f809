"""Subscribing over real sockets."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterable

import msgspec
import pytest
import zmq

import earwitness
from earwitness import (
    AnyEvent,
    Connected,
    Disconnected,
    Heartbeat,
    Missed,
    Notice,
    Restarted,
    Skipped,
    SpeakerVerified,
    Subscription,
)
from earwitness.endpoints import Keys
from earwitness.notices import Notice as AnyNotice

from .events import heartbeat, lost, verified
from .fake_publisher import FakePublisher

TIMEOUT_S = 10.0
KINDS = (Connected, Disconnected, Restarted, Missed, Skipped)


def until(
    subscription: Subscription[AnyEvent | Notice], kind: type[AnyEvent | AnyNotice]
) -> list[AnyEvent | AnyNotice]:
    """Everything up to the first of a kind."""
    items: list[AnyEvent | AnyNotice] = []
    for item in subscription:
        items.append(item)
        if isinstance(item, kind):
            return items
    raise AssertionError(f"ended before {kind}: {items}")


def speakers(items: Iterable[AnyEvent | AnyNotice]) -> list[str]:
    return [item.speaker for item in items if isinstance(item, SpeakerVerified)]


def test_a_subscriber_may_come_before_the_daemon_and_says_that_it_waits(events_endpoint: str) -> None:
    with earwitness.subscribe(events_endpoint, timeout_s=TIMEOUT_S) as subscription:
        waiting = next(subscription)
        assert isinstance(waiting, Disconnected)
        assert not subscription.connected
        with FakePublisher(events_endpoint) as publisher:
            assert next(subscription) == Connected(endpoint=events_endpoint)
            assert publisher.subscribed.wait(TIMEOUT_S)
            publisher.publish(verified("anna"))
            assert speakers(until(subscription, SpeakerVerified)) == ["anna"]
            assert subscription.connected


def test_a_new_subscriber_gets_the_last_values_and_others_do_not_see_them_twice(
    events_endpoint: str,
) -> None:
    with FakePublisher(events_endpoint) as publisher:
        publisher.publish(heartbeat(), verified("anna"), verified("bert"))
        publisher.flush()
        with earwitness.subscribe(events_endpoint, timeout_s=TIMEOUT_S) as first:
            seen = until(first, SpeakerVerified)
            assert speakers(seen) == ["bert"]
            assert all(event.replayed for event in seen if isinstance(event, SpeakerVerified | Heartbeat))
            with earwitness.subscribe(events_endpoint, timeout_s=TIMEOUT_S) as second:
                assert speakers(until(second, SpeakerVerified)) == ["bert"]
                publisher.publish(verified("cora"))
                assert speakers(until(first, SpeakerVerified)) == ["cora"]
            assert first.counts.missed == 0


def test_a_lost_event_is_reported_before_the_next_one(events_endpoint: str) -> None:
    with (
        FakePublisher(events_endpoint) as publisher,
        earwitness.subscribe(events_endpoint, timeout_s=TIMEOUT_S) as subscription,
    ):
        assert publisher.subscribed.wait(TIMEOUT_S)
        publisher.publish(verified("anna"))
        until(subscription, SpeakerVerified)
        publisher.lose(lost(), lost())
        publisher.publish(verified("anna"))
        assert next(subscription) == Missed(topic=None, count=2)
        assert isinstance(next(subscription), SpeakerVerified)
        assert subscription.counts.missed == 2


def test_a_restart_of_the_daemon_is_survived_and_said_with_what_it_cost(events_endpoint: str) -> None:
    with earwitness.subscribe(events_endpoint, timeout_s=TIMEOUT_S) as subscription:
        with FakePublisher(events_endpoint, boot="one") as publisher:
            assert publisher.subscribed.wait(TIMEOUT_S)
            publisher.publish(verified("anna"))
            until(subscription, SpeakerVerified)
        until(subscription, Disconnected)
        with FakePublisher(events_endpoint, boot="two") as publisher:
            publisher.lose(heartbeat(), lost(), lost())
            # libzmq subscribes again only while the subscriber reads
            assert until(subscription, Connected)[-1] == Connected(endpoint=events_endpoint)
            assert publisher.subscribed.wait(TIMEOUT_S)
            publisher.publish(verified("bert"))
            items = until(subscription, SpeakerVerified)
    assert Restarted(boot="two", previous="one") in items
    missed = sum(item.count for item in items if isinstance(item, Missed))
    arrived = sum(not isinstance(item, KINDS) for item in items)
    assert missed + arrived == 4


def test_a_prefix_does_not_deliver_a_stream_whose_name_merely_begins_alike(events_endpoint: str) -> None:
    with (
        FakePublisher(events_endpoint) as publisher,
        earwitness.subscribe(
            events_endpoint, ["speaker.verified.desk"], notices=False, timeout_s=TIMEOUT_S
        ) as subscription,
    ):
        assert publisher.subscribed.wait(TIMEOUT_S)
        publisher.publish(heartbeat(), verified("anna", stream="desk2"), verified("bert", stream="desk"))
        event = next(subscription)
        assert isinstance(event, SpeakerVerified)
        assert event.stream == "desk"
        assert subscription.counts.missed == 0


def test_an_unknown_type_is_skipped_said_once_and_counted(events_endpoint: str) -> None:
    def foreign(seq: int) -> bytes:
        return msgspec.json.encode(
            {"type": "speaker.hummed", "boot": "one", "seq": seq, "topic_seq": seq, "tune": "la"}
        )

    with (
        FakePublisher(events_endpoint, boot="one") as publisher,
        earwitness.subscribe(events_endpoint, timeout_s=TIMEOUT_S) as subscription,
    ):
        assert publisher.subscribed.wait(TIMEOUT_S)
        publisher.publish_raw(b"speaker.hummed.desk", foreign(1))
        publisher.publish_raw(b"speaker.hummed.desk", foreign(2))
        publisher.lose(lost(), lost())
        publisher.publish(verified("anna"))
        items = until(subscription, SpeakerVerified)
        assert items.count(Skipped(type="speaker.hummed")) == 1
        assert not any(isinstance(item, Missed) for item in items)
        assert subscription.counts.unknown == {"speaker.hummed": 2}


@pytest.mark.parametrize(
    "frames",
    [
        [b"speaker.verified.desk.anna", b"not json"],
        [b"speaker.verified.desk.anna", b'{"type":"speaker.verified","seq":"three"}'],
        [b"speaker.verified.desk.anna", b"\xff\xfe"],
        [b"speaker.verified.desk.anna", b""],
        [b"speaker.verified.desk.anna", b"[1,2]"],
        [b"speaker.verified.desk.anna"],
        [b"\xff\xff", b"{}", b"more"],
    ],
)
def test_garbage_is_counted_and_skipped(events_endpoint: str, frames: list[bytes]) -> None:
    with (
        FakePublisher(events_endpoint) as publisher,
        earwitness.subscribe(events_endpoint, notices=False, timeout_s=TIMEOUT_S) as subscription,
    ):
        assert publisher.subscribed.wait(TIMEOUT_S)
        publisher.publish_raw(*frames)
        publisher.publish(verified("anna"))
        assert isinstance(next(subscription), SpeakerVerified)
        assert subscription.counts.undecodable == 1


def test_a_silent_daemon_is_reported_though_its_socket_lives(events_endpoint: str) -> None:
    hasty = msgspec.structs.replace(heartbeat(), ttl_s=0.2)
    with (
        FakePublisher(events_endpoint) as publisher,
        earwitness.subscribe(events_endpoint, ["speaker"], timeout_s=TIMEOUT_S) as subscription,
    ):
        assert publisher.subscribed.wait(TIMEOUT_S)
        publisher.publish(hasty)
        silent = until(subscription, Disconnected)[-1]
        assert isinstance(silent, Disconnected)
        assert "nothing heard for 0.2 s" in silent.reason
        publisher.publish(hasty)
        assert next(subscription) == Connected(endpoint=events_endpoint)


def test_a_timeout_ends_the_wait_with_an_error_that_names_the_endpoint(events_endpoint: str) -> None:
    with earwitness.subscribe(events_endpoint, notices=False, timeout_s=0.05) as subscription:
        with pytest.raises(TimeoutError, match=events_endpoint):
            next(subscription)
        assert subscription.receive(0.0) is None


def test_close_in_a_signal_handler_ends_the_loop(events_endpoint: str) -> None:
    subscription = earwitness.subscribe(events_endpoint, notices=False, timeout_s=TIMEOUT_S)
    before = signal.signal(signal.SIGALRM, lambda *_: subscription.close())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        assert list(subscription) == []
    finally:
        signal.signal(signal.SIGALRM, before)
    subscription.close()


def test_stop_from_another_thread_ends_the_loop(events_endpoint: str) -> None:
    with earwitness.subscribe(events_endpoint, notices=False, timeout_s=TIMEOUT_S) as subscription:
        helper = threading.Timer(0.1, subscription.stop)
        helper.start()
        assert list(subscription) == []
        helper.join()


def test_stopping_what_is_closed_touches_nobody_elses_files(events_endpoint: str) -> None:
    subscription = earwitness.subscribe(events_endpoint)
    subscription.close()
    pipes = [os.pipe() for _ in range(4)]  # these get the numbers that the subscription gave back
    try:
        subscription.stop()
        subscription.close()
        for reading, writing in pipes:
            os.close(writing)
            assert os.read(reading, 1) == b""
    finally:
        for reading, _ in pipes:
            os.close(reading)


def test_an_endpoint_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="'nonsense' is not an endpoint"):
        earwitness.subscribe("nonsense")


def test_curve_lets_in_who_has_the_keys(tmp_path_factory: pytest.TempPathFactory) -> None:
    server_public, server_secret = zmq.curve_keypair()
    public, secret = zmq.curve_keypair()
    keys = Keys(server_public=server_public.decode(), public=public.decode(), secret=secret.decode())
    with zmq.Context() as context, context.socket(zmq.XPUB) as server:
        server.linger = 0
        server.curve_server = True
        server.curve_publickey = server_public
        server.curve_secretkey = server_secret
        port = server.bind_to_random_port("tcp://127.0.0.1")
        endpoint = f"tcp://127.0.0.1:{port}"
        with earwitness.subscribe(endpoint, keys=keys, timeout_s=TIMEOUT_S) as subscription:
            assert until(subscription, Connected)[-1] == Connected(endpoint=endpoint)
        with earwitness.subscribe(endpoint, timeout_s=TIMEOUT_S) as keyless:
            assert isinstance(next(keyless), Disconnected)


def test_async_gets_the_same_and_leaves_room_for_other_tasks(events_endpoint: str) -> None:
    async def listen() -> list[str]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticker = asyncio.create_task(tick())
        names = []
        with FakePublisher(events_endpoint) as publisher:
            async with earwitness.asubscribe(events_endpoint, timeout_s=TIMEOUT_S) as subscription:
                async for item in subscription:
                    match item:
                        case Connected():
                            publisher.publish(verified("anna"))
                        case SpeakerVerified(speaker=speaker):
                            names.append(speaker)
                            publisher.lose(lost())
                            publisher.publish(verified("bert"))
                        case Missed(count=1):
                            names.append("missed one")
                    if "missed one" in names and names[-1] == "bert":
                        break
        ticker.cancel()
        assert ticks > 2
        return names

    assert asyncio.run(asyncio.wait_for(listen(), TIMEOUT_S)) == ["anna", "missed one", "bert"]


def test_async_close_from_another_task_ends_the_loop(events_endpoint: str) -> None:
    async def listen() -> list[AnyEvent]:
        subscription = earwitness.asubscribe(events_endpoint, notices=False, timeout_s=TIMEOUT_S)
        asyncio.get_running_loop().call_later(0.05, subscription.close)
        return [event async for event in subscription]

    assert asyncio.run(asyncio.wait_for(listen(), TIMEOUT_S)) == []
