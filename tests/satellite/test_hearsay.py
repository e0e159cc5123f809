"""A satellite is believed as long as what it says can be true."""

from __future__ import annotations

import pytest

from earwitnessd.capture.messages import RATE, Alive, AnyMessage, Audio, Ended, Lost, Opened
from earwitnessd.satellite.hearsay import AHEAD_S, LONGEST_BLOCK, Hearsay, LieError
from tests.satellite.said import BLOCK, BLOCK_NS, OPENING, alive, audio, ended, lost, made_ns, opened, silent

SIZE = 2 * BLOCK


class Ear:
    """Hears one satellite whose clock agrees with ours."""

    def __init__(self) -> None:
        self.openings = 0
        self.hearsay = Hearsay("kitchen", self.new_stream_id)

    def new_stream_id(self) -> str:
        self.openings += 1
        return f"boot-kitchen-{self.openings}"

    def hear(self, message: AnyMessage, size: int = 0, late_ns: int = 0) -> list[AnyMessage]:
        made = message.monotonic_ns
        return self.hearsay.take(message, size, made, made + late_ns)

    def hear_blocks(self, *numbers: int) -> list[AnyMessage]:
        return [said for number in numbers for said in self.hear(audio(number), SIZE)]

    def hear_at_once(self, numbers: range) -> None:
        for number in numbers:
            self.hearsay.take(audio(number), SIZE, made_ns(0), made_ns(0))


@pytest.fixture
def ear() -> Ear:
    made = Ear()
    made.hear(opened())
    return made


def test_it_is_told_as_if_it_had_been_heard_here(ear: Ear) -> None:
    first, second, third = ear.hear_blocks(0, 1)
    assert isinstance(first, Opened)
    assert isinstance(second, Audio)
    assert isinstance(third, Audio)
    assert {said.stream for said in (first, second, third)} == {"kitchen"}
    assert {said.stream_id for said in (first, second, third)} == {"boot-kitchen-1"}
    assert first.monotonic_ns == made_ns(0) - BLOCK_NS  # when the first sample was heard
    assert (second.position, third.position, third.monotonic_ns) == (0, BLOCK, made_ns(1))


def test_an_opening_that_is_joined_in_its_middle_begins_at_0(ear: Ear) -> None:
    joined, first = ear.hear_blocks(400)
    assert isinstance(joined, Opened)
    assert (joined.source_id, joined.source_position) == (OPENING, 400 * BLOCK)
    (second,) = ear.hear_blocks(401)
    assert isinstance(first, Audio)
    assert isinstance(second, Audio)
    assert (first.position, second.position) == (0, BLOCK)


def test_after_the_end_what_comes_is_another_opening(ear: Ear) -> None:
    ear.hear_blocks(0)
    (said,) = ear.hearsay.end("the link is gone", False, made_ns(1))
    assert isinstance(said, Ended)
    assert said.position == BLOCK
    again, block = ear.hear_blocks(1)
    assert isinstance(again, Opened)
    assert isinstance(block, Audio)
    assert (again.stream_id, block.position) == ("boot-kitchen-2", 0)


def test_a_source_that_is_opened_anew_ends_the_opening_before(ear: Ear) -> None:
    ear.hear_blocks(0)
    (said,) = ear.hear(opened("run-mic-2"))
    assert isinstance(said, Ended)
    assert ear.hear(ended("run-mic-2")) == []


def test_a_loss_moves_the_position(ear: Ear) -> None:
    ear.hear_blocks(0)
    (told,) = ear.hear(lost(BLOCK, BLOCK, number=1))
    assert isinstance(told, Lost)
    assert (told.position, told.samples) == (BLOCK, BLOCK)
    assert ear.hear_blocks(2)


def test_of_what_was_given_up_only_the_part_that_never_came_is_lost(ear: Ear) -> None:
    ear.hear_blocks(0, 1)
    assert ear.hear(lost(0, 2 * BLOCK, "link", number=1)) == []
    (told,) = ear.hear(lost(0, 5 * BLOCK, "link", number=4))
    assert isinstance(told, Lost)
    assert (told.position, told.samples) == (2 * BLOCK, 3 * BLOCK)


def test_counters_begin_with_our_opening(ear: Ear) -> None:
    ear.hear_blocks(400)
    ear.hear(alive(overflows=7))
    (said,) = ear.hear(alive(overflows=9))
    assert isinstance(said, Alive)
    assert said.overflows == 2


def test_what_overtook_the_opening_is_no_lie() -> None:
    ear = Ear()
    assert ear.hear(alive()) == []


@pytest.mark.parametrize(
    ("message", "size", "says"),
    [
        (audio(3), SIZE, "position 12000 where 4000 was due"),
        (audio(0), SIZE, "position 0 where 4000 was due"),
        (lost(BLOCK, 0), 0, "a loss of 0 samples"),
        (lost(BLOCK, -5), 0, "a loss of -5 samples"),
        (lost(BLOCK, 3600 * RATE, number=1), 0, "3600.2 s of audio within 0.5 s"),
        (lost(5 * BLOCK, BLOCK, "link", number=5), 0, "position 20000 where 4000 was due"),
        (audio(1), SIZE + 1, "in 8001 bytes"),
        (audio(1), 0, "a block of 0 samples"),
        (audio(1), 2 * (LONGEST_BLOCK + 1), "at most 64000 may come at once"),
        (silent(1), 4, "a block of 4000 samples in 4 bytes"),
        (audio(1, stream_id="run-mic-9"), SIZE, "never opened"),
        (opened("run-mic-2", paced=False), 0, "not come in real time"),
    ],
)
def test_what_cannot_be_is_called_a_lie(ear: Ear, message: AnyMessage, size: int, says: str) -> None:
    ear.hear_blocks(0)
    with pytest.raises(LieError, match=says):
        ear.hear(message, size)


def test_nothing_comes_from_the_future_nor_from_long_ago(ear: Ear) -> None:
    with pytest.raises(LieError, match="in the future"):
        ear.hear(audio(0), SIZE, late_ns=-2_000_000_000)
    with pytest.raises(LieError, match="old"):
        ear.hear(audio(0), SIZE, late_ns=3_600_000_000_000)
    assert ear.hear(audio(0), SIZE, late_ns=600_000_000_000)


def test_a_source_may_be_a_little_ahead_of_its_clock_but_not_more(ear: Ear) -> None:
    ear.hear_blocks(0)
    with pytest.raises(LieError, match="s of audio within"):
        ear.hear_at_once(range(1, round(AHEAD_S * 4) + 40))
    assert ear.hearsay.position / RATE == pytest.approx(AHEAD_S, abs=0.5)
