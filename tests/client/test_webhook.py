"""`earwitness webhook` between a scripted publisher and a real HTTP server."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from earwitness.control import AnyMethod, EventsSince, Problem, Replay
from earwitness.events import Event, encode
from earwitness.webhook import HEADER, sign, verify
from earwitness.webhook.outbox import Mark, Outbox
from earwitness.webhook.schedule import Answer as HttpAnswer
from earwitness.webhook.schedule import BackOff, Fate
from tests.ports import free_port

from .events import heartbeat, lost, unknown, verified
from .fake_publisher import Answer, FakeControl, FakePublisher
from .programs import Program, eventually, finished, refused
from .receiver import Receiver

QUICK = ("--backoff", "10ms", "--backoff-max", "40ms")


@pytest.fixture
def publisher(events_endpoint: str) -> Iterator[FakePublisher]:
    with FakePublisher(events_endpoint) as made:
        made.publish(msgspec.structs.replace(heartbeat(), ttl_s=600.0))  # number 1
        yield made


def webhook(publisher: FakePublisher, directory: Path, url: str, *more: str) -> Program:
    """One that the publisher knows of: whatever is published next arrives."""
    publisher.subscribed.clear()
    program = Program(directory, "webhook", url, "--state", str(directory / "mark"), *QUICK, *more)
    program.says("connected to")
    assert publisher.subscribed.wait(30)
    return program


def marked(directory: Path, seq: int) -> None:
    """Return when the event's acknowledgement has been taken note of."""
    mark = directory / "mark"
    eventually(lambda: mark.exists() and json.loads(mark.read_bytes())["seq"] == seq)


def numbers(receiver: Receiver, count: int) -> list[int]:
    return [receiver.next().event["seq"] for _ in range(count)]


def test_events_are_posted_in_order_and_signed(publisher: FakePublisher, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    with (
        Receiver() as receiver,
        webhook(publisher, tmp_path, receiver.url, "--secret-file", str(secret)) as program,
    ):
        publisher.publish(verified("anna"), heartbeat(), lost("anna"))
        posts = [receiver.next(), receiver.next()]
        marked(tmp_path, 4)
        assert program.ended() == 0
        program.says("2 posted, 0 refused, 0 missed, 0 still to be posted")
    assert [post.event["type"] for post in posts] == ["speaker.verified", "speaker.lost"]
    assert [post.key for post in posts] == [f"{publisher.boot}-2", f"{publisher.boot}-4"]
    for post in posts:
        assert post.headers["Content-Type"] == "application/json"
        assert verify(b"hush", post.body, post.headers[HEADER], time.time())
        assert not verify(b"hush", post.body + b" ", post.headers[HEADER], time.time())
        assert not verify(b"other", post.body, post.headers[HEADER], time.time())


def test_what_fails_hangs_and_breaks_off_is_posted_again_before_anything_else(
    publisher: FakePublisher, tmp_path: Path
) -> None:
    with (
        Receiver(503, "drop", "hang", 429, 308) as receiver,
        webhook(publisher, tmp_path, receiver.url, "--timeout", "200ms") as program,
    ):
        publisher.publish(verified("anna"), lost("anna"))
        for reason in ("503", "without response", "no answer within 0.2 s", "429", "308"):
            program.says(reason)
        posts = [receiver.next() for _ in range(7)]
    assert [post.event["seq"] for post in posts] == [2] * 6 + [3]
    assert len({post.key for post in posts[:6]}) == 1


def test_what_is_refused_is_said_and_left_out(publisher: FakePublisher, tmp_path: Path) -> None:
    with Receiver(400) as receiver, webhook(publisher, tmp_path, receiver.url) as program:
        publisher.publish(verified("anna"), lost("anna"))
        assert numbers(receiver, 2) == [2, 3]
        program.says("was refused and is left out: 400")
        marked(tmp_path, 3)
        program.ended()
        program.says("1 posted, 1 refused")


def test_a_receiver_that_is_not_there_is_waited_for(publisher: FakePublisher, tmp_path: Path) -> None:
    port = free_port()
    with webhook(publisher, tmp_path, f"http://127.0.0.1:{port}/hook?room=1") as program:
        publisher.publish(verified("anna"))
        program.says("Connection refused; again in")
        with Receiver(port=port) as receiver:
            assert numbers(receiver, 1) == [2]


def test_beyond_what_may_wait_the_oldest_go_and_are_counted(publisher: FakePublisher, tmp_path: Path) -> None:
    port = free_port()
    with webhook(publisher, tmp_path, f"http://127.0.0.1:{port}/hook?room=1", "--queue", "3") as program:
        publisher.publish(*[verified("anna") for _ in range(7)])
        program.says("4 waiting")  # three, and what says that others went
        with Receiver(port=port) as receiver:
            missed = receiver.next().event
            assert (missed["type"], missed["count"]) == ("webhook.missed", 4)
            assert numbers(receiver, 3) == [6, 7, 8]


def test_what_was_lost_on_the_way_is_reported(publisher: FakePublisher, tmp_path: Path) -> None:
    with Receiver() as receiver, webhook(publisher, tmp_path, receiver.url):
        publisher.publish(verified("anna"))
        assert numbers(receiver, 1) == [2]
        publisher.lose(verified("anna"), verified("anna"))
        publisher.publish(verified("anna"))
        posts = [receiver.next().event, receiver.next().event]
        assert (posts[0]["type"], posts[0]["count"]) == ("webhook.missed", 2)
        assert posts[1]["seq"] == 5


def kept(
    boot: str, events: list[Event], *, first: int, gone_before: int = 1, complete: bool = True
) -> Replay:
    """What a daemon answers to `events.since`."""
    told = [
        msgspec.json.decode(
            encode(msgspec.structs.replace(event, boot=boot, seq=first + number, topic_seq=1, replayed=True))
        )
        for number, event in enumerate(events)
    ]
    return Replay(
        boot=boot,
        seq=first + len(told) - 1,
        gone_before=gone_before,
        complete=complete,
        more=False,
        events=told,
    )


class Ring:
    """Answers `events.since` with what it is given, a batch at a time."""

    def __init__(self, *batches: Replay) -> None:
        self._batches = list(batches)
        self.asked: list[tuple[str, int]] = []

    def __call__(self, method: AnyMethod, _attachment: bytes | None) -> Answer:
        if not isinstance(method, EventsSince):
            return Problem(code="internal", message="unexpected")
        self.asked.append((method.boot, method.seq))
        batch = self._batches.pop(0)
        return msgspec.structs.replace(batch, more=bool(self._batches))


def test_after_a_restart_it_makes_up_for_what_was_published_meanwhile(
    publisher: FakePublisher, control_endpoint: str, tmp_path: Path
) -> None:
    with Receiver() as receiver:
        with webhook(publisher, tmp_path, receiver.url) as program:
            publisher.publish(verified("anna"))
            assert numbers(receiver, 1) == [2]
            marked(tmp_path, 2)
            assert program.ended() == 0
        publisher.publish(unknown(), verified("bert"), lost("bert"))  # 3, 4, 5
        ring = Ring(
            kept(publisher.boot, [unknown(), verified("bert")], first=3),
            kept(publisher.boot, [lost("bert")], first=5),
        )
        with FakeControl(control_endpoint, ring), webhook(publisher, tmp_path, receiver.url) as program:
            program.says("3 events made up for")
            publisher.publish(verified("anna"))
            assert numbers(receiver, 4) == [3, 4, 5, 6]
        assert ring.asked == [(publisher.boot, 2), (publisher.boot, 4)]
        assert receiver.received.empty()


def test_what_was_not_acknowledged_when_it_was_killed_is_posted_again(
    publisher: FakePublisher, control_endpoint: str, tmp_path: Path
) -> None:
    with Receiver(200, "hang") as receiver:
        with webhook(publisher, tmp_path, receiver.url) as program:
            publisher.publish(verified("anna"), unknown())
            first = [receiver.next(), receiver.next()]
            program.process.kill()
        ring = Ring(kept(publisher.boot, [unknown()], first=3))
        with FakeControl(control_endpoint, ring), webhook(publisher, tmp_path, receiver.url):
            assert receiver.next().key == first[1].key


@pytest.mark.parametrize("other_boot", [False, True], ids=["same boot", "another boot"])
def test_what_the_daemon_no_longer_keeps_is_reported(
    events_endpoint: str, control_endpoint: str, tmp_path: Path, other_boot: bool
) -> None:
    mark = tmp_path / "mark"
    mark.write_text('{"boot": "old", "seq": 10}')
    boot = "new" if other_boot else "old"
    ring = Ring(kept(boot, [verified("anna")], first=50, gone_before=40, complete=False))
    with (
        FakePublisher(events_endpoint, boot=boot) as publisher,
        FakeControl(control_endpoint, ring),
        Receiver() as receiver,
        webhook(publisher, tmp_path, receiver.url),
    ):
        missed = receiver.next().event
        assert (missed["type"], missed["count"]) == ("webhook.missed", None)
        assert missed["at_most"] == (None if other_boot else 29)
        assert numbers(receiver, 1) == [50]


def test_without_a_control_socket_it_says_that_something_may_be_missing(
    publisher: FakePublisher, tmp_path: Path
) -> None:
    (tmp_path / "mark").write_text('{"boot": "old", "seq": 10}')
    publisher.publish(verified("anna"))
    with Receiver() as receiver, webhook(publisher, tmp_path, receiver.url):
        assert receiver.next().event["type"] == "webhook.missed"
        assert numbers(receiver, 1) == [2]


def test_a_mark_that_cannot_be_read_begins_anew(publisher: FakePublisher, tmp_path: Path) -> None:
    (tmp_path / "mark").write_text("}")
    publisher.publish(verified("anna"))
    with Receiver() as receiver, webhook(publisher, tmp_path, receiver.url):
        assert numbers(receiver, 1) == [2]


def test_it_does_not_wait_for_an_answer_when_it_is_told_to_end(
    publisher: FakePublisher, tmp_path: Path
) -> None:
    with (
        Receiver("hang") as receiver,
        webhook(publisher, tmp_path, receiver.url, "--timeout", "10m") as program,
    ):
        publisher.publish(verified("anna"))
        receiver.next()
        assert program.ended() == 0
        program.says("1 still to be posted")


def test_two_do_not_share_a_mark(publisher: FakePublisher, tmp_path: Path) -> None:
    with Receiver() as receiver, webhook(publisher, tmp_path, receiver.url):
        result = finished(tmp_path, "webhook", receiver.url, "--state", str(tmp_path / "mark"))
    assert result.returncode == 1
    assert "give this one another --state" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ftp://host/"], "no URL to post to"),
        (["https:///path"], "no URL to post to"),
        (["https://host/a b"], "no URL to post to"),
        (["https://host:99999/"], "out of range"),
        (["https://anna:secret@host/"], "shows in the process list"),
        (["https://host/", "--secret-file", "/dev/null"], "holds no secret"),
    ],
)
def test_wrong_usage_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], message: str
) -> None:
    status, told = refused(capsys, "webhook", *arguments, "--state", str(tmp_path / "mark"))
    assert status == 1
    (line,) = told.splitlines()
    assert message in line


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        (200, "taken"),
        (204, "taken"),
        (301, "again"),
        (400, "refused"),
        (404, "refused"),
        (408, "again"),
        (410, "refused"),
        (429, "again"),
        (500, "again"),
        (503, "again"),
        (None, "again"),
    ],
)
def test_what_an_answer_means(status: int | None, fate: Fate) -> None:
    assert HttpAnswer(status=status, reason="").fate == fate


def test_waits_double_up_to_a_limit_and_heed_what_is_asked_for() -> None:
    back_off = BackOff(first_s=1.0, most_s=60.0)
    assert [back_off.wait_s(attempt, 1.0) for attempt in (1, 2, 3, 6, 7, 99)] == [1, 2, 4, 32, 60, 60]
    assert back_off.wait_s(3, 0.0) == 2.0
    assert back_off.wait_s(1, 1.0, asked_s=20.0) == 20.0
    assert back_off.wait_s(1, 1.0, asked_s=9999.0) == 60.0


def test_an_event_is_taken_in_once_and_not_if_an_earlier_run_dealt_with_it() -> None:
    outbox = Outbox(Mark(boot="b", seq=5))
    for boot, seq in [("b", 5), ("b", 6), ("b", 6), ("c", 1)]:
        outbox.add(boot, seq, b"{}")
    keys = []
    while (letter := outbox.head()) is not None:
        keys.append(letter.key)
        outbox.done()
    assert keys == ["b-6", "c-1"]


@pytest.mark.parametrize("header", ["", "t=,v1=", "t=x,v1=y", "v1=abc", "t=²,v1=é", "nonsense"])
def test_a_header_that_is_none_verifies_nothing(header: str) -> None:
    assert not verify(b"s", b"{}", header, 0.0)


def test_an_old_signature_verifies_nothing() -> None:
    header = sign(b"s", b"{}", 1000)
    assert verify(b"s", b"{}", header, 1200.0)
    assert not verify(b"s", b"{}", header, 1400.0)
