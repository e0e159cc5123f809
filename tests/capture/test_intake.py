from __future__ import annotations

import numpy as np
import pytest

from earwitnessd.capture.intake import KEPT_S, ROOM_S, Intake
from earwitnessd.capture.source import Chunk
from earwitnessd.ring import Frames

RATE = 8_000
BLOCK = 256
NS = 1_000_000_000


def ramp(start: int, count: int) -> Frames:
    return np.arange(start, start + count, dtype=np.float32)[:, np.newaxis]


def feed(intake: Intake, first: int, count: int, *, overflow_at: int = -1, late_ns: int = 0) -> list[Chunk]:
    """Blocks that arrive in time, each taken at once."""
    chunks = []
    for index in range(first, first + count):
        put(intake, index, overflowed=index == overflow_at, late_ns=late_ns)
        chunks += taken(intake)
    return chunks


def put(intake: Intake, index: int, *, overflowed: bool, late_ns: int) -> None:
    """One block, as the callback does."""
    at_ns = 100 * NS + (index + 1) * BLOCK * NS // RATE + late_ns
    intake.on_block(ramp(index * BLOCK, BLOCK), at_ns, overflowed=overflowed)


def taken(intake: Intake) -> list[Chunk]:
    """All that waits."""
    chunks = []
    while (chunk := intake.take()) is not None:
        chunks.append(chunk)
    return chunks


def test_what_the_callback_leaves_is_taken_once_and_in_order() -> None:
    intake = Intake(RATE, 1, buffered_s=0.1)
    assert intake.take() is None
    chunks = feed(intake, 0, 20)
    assert [chunk.position for chunk in chunks] == [index * BLOCK for index in range(20)]
    np.testing.assert_array_equal(np.concatenate([chunk.frames for chunk in chunks]), ramp(0, 20 * BLOCK))
    assert intake.take() is None


def test_a_ring_that_nobody_empties_loses_the_oldest_and_says_so() -> None:
    intake = Intake(RATE, 1, buffered_s=0.1)
    total = round((KEPT_S + 3.0) * RATE) // BLOCK
    for index in range(total):
        at_ns = 100 * NS + index * BLOCK * NS // RATE
        intake.on_block(ramp(index * BLOCK, BLOCK), at_ns, overflowed=False)
    first = intake.take()
    assert first is not None
    assert first.lost == "overrun"
    assert first.position == total * BLOCK - round((KEPT_S - ROOM_S) * RATE)
    assert first.frames[0, 0] == first.position
    then = intake.take()
    assert then is not None
    assert then.lost is None
    assert then.position == first.position + len(first.frames)


def test_a_deficit_against_the_clock_moves_the_position_on() -> None:
    intake = Intake(RATE, 1, buffered_s=0.1)
    feed(intake, 0, 100)
    chunks = feed(intake, 100, 100, late_ns=NS // 2)
    (jump,) = [index for index, chunk in enumerate(chunks) if chunk.lost]
    assert chunks[jump].lost == "clock"
    missing = chunks[jump].position - (100 + jump) * BLOCK
    assert abs(missing - RATE // 2) < RATE // 200
    assert chunks[-1].position == 199 * BLOCK + missing
    assert intake.health(100 * NS + 200 * BLOCK * NS // RATE + NS // 2).clock_lag_s < 0.02


def test_an_overflow_is_counted_and_marks_the_place_even_if_the_clock_shows_nothing() -> None:
    intake = Intake(RATE, 1, buffered_s=0.1)
    chunks = feed(intake, 0, 200, overflow_at=100)
    assert [chunk.lost for chunk in chunks if chunk.lost] == ["overflow"]
    assert chunks[-1].position == 199 * BLOCK + 1
    assert intake.health(0).overflows == 1


@pytest.mark.parametrize("together", [2, 7, 31])
@pytest.mark.parametrize("late_ns", [0, NS // 2])
@pytest.mark.parametrize("overflow_at", [-1, 60])
def test_blocks_taken_together_are_accounted_for_as_if_taken_one_by_one(
    together: int, late_ns: int, overflow_at: int
) -> None:
    one_by_one, rarely = Intake(RATE, 1, buffered_s=0.1), Intake(RATE, 1, buffered_s=0.1)
    expected = feed(one_by_one, 0, 100, overflow_at=overflow_at)
    expected += feed(one_by_one, 100, 124, late_ns=late_ns)
    chunks: list[Chunk] = []
    for index in range(224):
        put(rarely, index, overflowed=index == overflow_at, late_ns=late_ns if index >= 100 else 0)
        if index % together == together - 1 or index == 223:
            chunks += taken(rarely)
    assert jumps(chunks) == jumps(expected)
    assert len(chunks) < len(expected)
    np.testing.assert_array_equal(
        np.concatenate([chunk.frames for chunk in chunks]), np.concatenate([each.frames for each in expected])
    )
    assert rarely.health(0).overflows == one_by_one.health(0).overflows
    assert rarely.health(0).stalls == one_by_one.health(0).stalls


def jumps(chunks: list[Chunk]) -> list[tuple[float, int, str]]:
    """By the frame before which something is lost: how much in all up to there, and why."""
    return [
        (float(chunk.frames[0, 0]), chunk.position - int(chunk.frames[0, 0]), chunk.lost)
        for chunk in chunks
        if chunk.lost
    ]


def test_a_short_stall_is_counted_and_not_a_loss() -> None:
    intake = Intake(RATE, 1, buffered_s=0.1)
    feed(intake, 0, 100)
    backlog_ns = 100 * NS + 130 * BLOCK * NS // RATE
    for index in range(100, 130):
        intake.on_block(ramp(index * BLOCK, BLOCK), backlog_ns + index, overflowed=False)
    chunks = feed(intake, 130, 100)
    assert [chunk.lost for chunk in chunks if chunk.lost] == []
    assert chunks[-1].position == 229 * BLOCK
    assert intake.health(0).stalls == 1


def test_channels_are_kept() -> None:
    intake = Intake(RATE, 3, buffered_s=0.1)
    block = np.arange(BLOCK * 3, dtype=np.float32).reshape(BLOCK, 3)
    intake.on_block(block, NS, overflowed=False)
    chunk = intake.take()
    assert chunk is not None
    np.testing.assert_array_equal(chunk.frames, block)
