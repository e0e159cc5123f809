"""From a capture process to the engine: every message, whole and in order, whatever pieces it comes in."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest

from earwitnessd.capture.inbox import Frames, Inbox
from earwitnessd.capture.messages import Alive, Audio, Ended, Samples, unpack
from earwitnessd.capture.outbox import Outbox
from earwitnessd.capture.wire import LENGTHS, LONGEST_BYTES, framed

TIMEOUT_S = 10.0
WHO = {"stream": "desk", "stream_id": "desk-1", "monotonic_ns": 1}
ENDED = Ended(reason="end of file", final=True, position=0, **WHO)  # type: ignore[arg-type]


@pytest.fixture
def path() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="ew") as folder:
        yield str(Path(folder) / "audio")


@pytest.fixture
def inbox(path: str) -> Iterator[Inbox]:
    with closing(Inbox(path)) as made:
        yield made


@pytest.fixture
def outbox(inbox: Inbox, path: str) -> Iterator[Outbox]:
    """Somebody listens, and whoever speaks is not waited for at the end."""
    made = Outbox(path)
    yield made
    made.close(0.0, lambda: None)


def audio(number: int) -> Audio:
    return Audio(position=number, **WHO)  # type: ignore[arg-type]


def block(number: int) -> Samples:
    return np.full(8_000, number, dtype=np.float32)


def connected(path: str) -> socket.socket:
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.connect(path)
    return line


def next_of(inbox: Inbox) -> Frames:
    frames = inbox.take(TIMEOUT_S)
    assert frames is not None
    return frames


def test_a_message_arrives_with_its_samples_and_one_without_has_none(inbox: Inbox, outbox: Outbox) -> None:
    outbox.offer(audio(7), block(7))
    outbox.offer(ENDED)
    message, samples = unpack(next_of(inbox))
    assert message == audio(7)
    np.testing.assert_array_equal(samples, block(7))
    assert unpack(next_of(inbox)) == (ENDED, None)
    assert inbox.take() is None


def test_samples_lie_where_numbers_may(inbox: Inbox, outbox: Outbox) -> None:
    outbox.offer(audio(7), block(7))
    _, samples = unpack(next_of(inbox))
    assert samples is not None
    assert samples.flags.aligned


def test_bytes_may_come_one_by_one(inbox: Inbox, path: str) -> None:
    with closing(connected(path)) as line:
        for byte in b"".join(framed([b"what is said", b"samples"])):
            assert inbox.take() is None
            line.sendall(bytes([byte]))
        assert next_of(inbox) == [b"what is said", b"samples"]


def test_an_engine_that_takes_nothing_blocks_nobody_and_later_gets_everything(
    inbox: Inbox, outbox: Outbox
) -> None:
    sent = 0
    while not outbox.blocked:
        outbox.offer(audio(sent), block(sent))
        sent += 1
    assert sent > 3, "that is not even two seconds"
    for number in range(sent):
        message, samples = unpack(next_of(inbox))
        outbox.pump()
        assert message == audio(number)
        np.testing.assert_array_equal(samples, block(number))
    assert not outbox.blocked


def test_each_process_has_its_turn(inbox: Inbox, path: str) -> None:
    for number in (1, 2):
        with closing(connected(path)) as line:
            line.sendall(2 * b"".join(framed([b"said", b"%d" % number])))
    numbers = [next_of(inbox)[1] for _ in range(4)]
    assert sorted(numbers) == [b"1", b"1", b"2", b"2"]
    assert set(numbers[:3]) == {b"1", b"2"}, "the one waits until the other has nothing more to say"


def test_what_a_process_said_before_its_end_is_taken_after_it(inbox: Inbox, path: str) -> None:
    before = inbox.changes
    with closing(connected(path)) as line:
        line.sendall(b"".join(framed([b"last words"])))
    assert next_of(inbox) == [b"last words"]
    assert inbox.take() is None
    assert len(inbox.filenos()) == 1, "nobody but the door"
    assert inbox.changes > before


def test_a_process_that_ends_waits_until_it_was_heard(inbox: Inbox, path: str) -> None:
    outbox = Outbox(path)
    outbox.offer(ENDED)
    heard: list[Frames] = []

    def take() -> None:
        if frames := inbox.take():
            heard.append(frames)

    assert outbox.close(TIMEOUT_S, take)
    assert [unpack(frames)[0] for frames in heard] == [ENDED]


def test_but_not_for_ever_and_says_so(path: str) -> None:
    with closing(Inbox(path)):
        outbox = Outbox(path)
        outbox.offer(ENDED)
        began_s = time.monotonic()
        assert not outbox.close(0.1, lambda: None)
        assert time.monotonic() - began_s < TIMEOUT_S / 2


def test_an_engine_that_is_gone_is_noticed_with_the_next_message(path: str) -> None:
    with closing(Inbox(path)) as inbox:
        outbox = Outbox(path)
        outbox.offer(ENDED)
        next_of(inbox)
        before = outbox.gone
    outbox.offer(audio(1), block(1))
    assert (before, outbox.gone) == (False, True)
    assert not outbox.blocked
    outbox.offer(ENDED)
    assert not outbox.close(TIMEOUT_S, lambda: None)


@pytest.mark.parametrize("prefix", [LENGTHS.pack(LONGEST_BYTES, 1), LENGTHS.pack(0, 0), b"\xff" * 100])
def test_a_connection_that_makes_no_sense_is_closed_and_the_others_go_on(
    inbox: Inbox, outbox: Outbox, path: str, prefix: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(connected(path)) as line:
        line.sendall(prefix)
        outbox.offer(ENDED)
        assert unpack(next_of(inbox)) == (ENDED, None)
        assert inbox.take() is None
        line.settimeout(TIMEOUT_S)
        with suppress(ConnectionResetError):  # it left something unread
            assert line.recv(1) == b""
    assert "makes no sense" in caplog.text


def test_alive_is_a_message_like_any_other(inbox: Inbox, outbox: Outbox) -> None:
    alive = Alive(overflows=1, stalls=2, zero_run_s=0.5, clock_lag_ms=3.0, **WHO)  # type: ignore[arg-type]
    outbox.offer(alive)
    assert unpack(next_of(inbox)) == (alive, None)
