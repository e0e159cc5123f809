"""Values from one thread to another: all of them, in order, waking whoever polls."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from earwitnessd.mailbox import Mailbox

TIMEOUT_S = 10.0


@pytest.fixture
def mailbox() -> Iterator[Mailbox[object]]:
    made: Mailbox[object] = Mailbox()
    yield made
    made.close()


def test_nothing_put_is_nothing_received(mailbox: Mailbox[object]) -> None:
    assert list(mailbox.drain()) == []
    assert not mailbox.wait(0.0)


def test_a_value_wakes_the_receiver_and_arrives_uncopied(mailbox: Mailbox[object]) -> None:
    value = object()
    mailbox.put(value)
    assert mailbox.wait(TIMEOUT_S)
    (received,) = mailbox.drain()
    assert received is value
    assert not mailbox.wait(0.0)


def test_values_that_are_laid_wake_the_receiver_once_when_they_are_all_there(
    mailbox: Mailbox[object],
) -> None:
    mailbox.lay(1)
    mailbox.lay(2)
    assert not mailbox.wait(0.0)
    mailbox.wake()
    assert mailbox.wait(TIMEOUT_S)
    assert list(mailbox.drain()) == [1, 2]
    mailbox.wake()
    assert not mailbox.wait(0.05)


def test_a_value_that_is_left_wakes_nobody_and_comes_in_its_turn(mailbox: Mailbox[object]) -> None:
    mailbox.leave(1)
    mailbox.wake()
    assert not mailbox.wait(0.05)
    mailbox.put(2)
    assert mailbox.wait(TIMEOUT_S)
    mailbox.leave(3)
    assert list(mailbox.drain()) == [1, 2, 3]


def test_a_value_put_while_draining_is_not_left_behind(mailbox: Mailbox[object]) -> None:
    mailbox.put(1)
    received = []
    for value in mailbox.drain():
        received.append(value)
        if value == 1:
            mailbox.put(2)
    received += mailbox.drain()
    assert received == [1, 2]


def test_more_values_than_wake_ups_fit_arrive_in_order_without_blocking(mailbox: Mailbox[object]) -> None:
    for number in range(10_000):
        mailbox.put(number)
    assert list(mailbox.drain()) == list(range(10_000))


def test_a_receiver_that_only_waits_to_be_woken_receives_everything(mailbox: Mailbox[object]) -> None:
    count = 50_000

    def send() -> None:
        for number in range(count):
            mailbox.put(number)

    received: list[object] = []
    sender = threading.Thread(target=send)
    sender.start()
    while len(received) < count:
        assert mailbox.wait(TIMEOUT_S), f"nobody woke us after {len(received)} values"
        received += mailbox.drain()
    sender.join(10.0)
    assert received == list(range(count))
