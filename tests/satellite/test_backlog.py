"""What a satellite keeps while nobody takes it is bounded, in order, and says what is missing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from earwitnessd.capture.messages import RATE, Audio, Lost, Opened, unpack
from earwitnessd.satellite.backlog import Backlog, Kept
from tests.satellite.said import BLOCK, audio, ended, opened, packed, silent

TWO_S = 8  # blocks


def filled(blocks: int, longest_s: float = 2.0) -> Backlog:
    backlog = Backlog(longest_s)
    backlog.put(*packed(opened()))
    for number in range(blocks):
        backlog.put(*packed(audio(number)))
    return backlog


def drained(backlog: Backlog) -> list[Kept]:
    found = []
    while (kept := backlog.take()) is not None:
        found.append(kept)
    return found


def test_what_comes_goes_out_in_order_and_once() -> None:
    backlog = filled(3)
    assert [kept.number for kept in drained(backlog)] == [1, 2, 3, 4]
    assert backlog.take() is None
    assert backlog.on_the_way == 4
    backlog.taken(4)
    assert (backlog.on_the_way, backlog.waiting_s) == (0, 0.0)


def test_what_the_cut_swallowed_goes_out_again() -> None:
    backlog = filled(4)
    drained(backlog)
    backlog.taken(2)
    backlog.rewind(3)
    assert [kept.number for kept in drained(backlog)] == [4, 5]


def test_a_daemon_that_knows_nothing_hears_first_how_the_source_was_opened() -> None:
    backlog = filled(4)
    drained(backlog)
    backlog.taken(3)
    backlog.rewind(-1)
    first, *rest = drained(backlog)
    assert isinstance(first.message, Opened)
    assert [kept.number for kept in rest] == [4, 5]


def test_the_oldest_is_dropped_and_the_loss_stands_in_its_place() -> None:
    backlog = filled(TWO_S + 5)
    assert backlog.lost_samples == 5 * BLOCK
    assert backlog.waiting_s == 2.0
    opening, hole, *rest = drained(backlog)
    assert isinstance(opening.message, Opened)
    assert isinstance(hole.message, Lost)
    assert (hole.message.position, hole.message.samples, hole.message.reason) == (0, 5 * BLOCK, "link")
    assert [kept.message.position for kept in rest if isinstance(kept.message, Audio)] == [
        BLOCK * number for number in range(5, TWO_S + 5)
    ]
    assert unpack(hole.frames) == (hole.message, None)


def test_a_loss_that_was_told_is_not_told_again_but_a_later_one_is() -> None:
    backlog = filled(TWO_S + 1)
    backlog.taken(drained(backlog)[-1].number)
    for number in range(TWO_S + 1, 2 * TWO_S + 3):
        backlog.put(*packed(audio(number)))
    hole = drained(backlog)[0]
    assert isinstance(hole.message, Lost)
    assert (hole.message.position, hole.message.samples) == ((TWO_S + 1) * BLOCK, 2 * BLOCK)
    assert backlog.lost_samples == 3 * BLOCK


def test_of_an_opening_of_which_nothing_is_left_nothing_is_said() -> None:
    backlog = filled(4)
    backlog.put(*packed(ended()))
    backlog.put(*packed(opened("run-mic-2")))
    for number in range(TWO_S + 1):
        backlog.put(*packed(audio(number, stream_id="run-mic-2")))
    assert {kept.message.stream_id for kept in drained(backlog)} == {"run-mic-2"}
    assert backlog.lost_samples == 5 * BLOCK


def test_silence_takes_room_by_its_length_not_by_its_bytes() -> None:
    backlog = Backlog(2.0)
    for number in range(TWO_S + 2):
        backlog.put(*packed(silent(number)))
    assert backlog.lost_samples == 2 * BLOCK


class Daemon:
    """Takes what comes in order, as the gateway does; loses what is on its way when the link is cut."""

    def __init__(self) -> None:
        self.taken = -1
        self.at = 0
        self.lost = 0

    def take(self, kept: Kept) -> None:
        if kept.number <= self.taken:
            return
        self.taken = kept.number
        message = kept.message
        if isinstance(message, Audio):
            assert message.position == self.at
            self.at += BLOCK
        elif isinstance(message, Lost):
            stop = message.position + message.samples
            assert message.position <= self.at
            self.lost += max(0, stop - self.at)
            self.at = max(self.at, stop)


@given(st.lists(st.sampled_from(["put", "put", "put", "send", "arrive", "tell", "cut"]), max_size=200))
def test_whatever_is_cut_when_no_sample_is_heard_twice_and_none_is_missing_untold(acts: list[str]) -> None:
    backlog, daemon, spoken = Backlog(1.0), Daemon(), 0
    on_the_way: list[Kept] = []
    backlog.put(*packed(opened()))
    for act in [*acts, "cut", *["send", "arrive"] * (len(acts) + 2)]:
        if act == "put":
            backlog.put(*packed(audio(spoken)))
            spoken += 1
        elif act == "send" and (kept := backlog.take()) is not None:
            on_the_way.append(kept)
        elif act == "arrive" and on_the_way:
            daemon.take(on_the_way.pop(0))
        elif act == "tell":
            backlog.taken(daemon.taken)
        elif act == "cut":
            on_the_way.clear()
            backlog.rewind(daemon.taken)
    assert daemon.at == spoken * BLOCK
    assert daemon.lost <= backlog.lost_samples <= daemon.at
    assert backlog.heard_samples == spoken * BLOCK
    assert backlog.waiting_s <= 1.0 + BLOCK / RATE
