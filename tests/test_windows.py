"""Windows cover a stream without a hole, and know the gaps that touch them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from earwitnessd.windows import Window, WindowCursor

Gap = tuple[int, int]


def taken(cursor: WindowCursor, end: int) -> list[tuple[int, tuple[Gap, ...]]]:
    return [cursor.take() for _ in range(cursor.due(end))]


def shapes() -> Iterator[tuple[int, int, int]]:
    """Lengths, hops and ends of a stream, at random."""
    random = np.random.default_rng(3)
    for _ in range(300):
        length = int(random.integers(1, 50))
        yield length, int(random.integers(1, length + 1)), int(random.integers(0, 300))


def test_a_window_ends_after_its_last_sample() -> None:
    assert Window("desk", "desk-1", 100, np.zeros(48, dtype=np.float32), ()).stop == 148


def test_windows_are_one_hop_apart_and_all_of_one_length() -> None:
    cursor = WindowCursor(length=30, hop=10)
    assert [start for start, _ in taken(cursor, 65)] == [0, 10, 20, 30]


@pytest.mark.parametrize(("end", "due"), [(0, 0), (29, 0), (30, 1), (39, 1), (40, 2), (130, 11)])
def test_a_window_is_due_when_its_last_sample_has_come(end: int, due: int) -> None:
    assert WindowCursor(length=30, hop=10).due(end) == due


def test_every_sample_is_in_a_window_and_no_window_is_incomplete() -> None:
    for length, hop, end in shapes():
        starts = [start for start, _ in taken(WindowCursor(length, hop), end)]
        covered = np.zeros(end, dtype=bool)
        for start in starts:
            assert start + length <= end
            covered[start : start + length] = True
        complete = (end - length) // hop * hop + length if end >= length else 0
        assert covered[:complete].all()
        assert not covered[complete:].any()
        assert end - complete < (hop if complete else length)


def test_the_pace_at_which_windows_are_taken_does_not_change_them() -> None:
    random = np.random.default_rng(4)
    for length, hop, end in shapes():
        at_once = taken(WindowCursor(length, hop), end)
        cursor, bit_by_bit, now = WindowCursor(length, hop), [], 0
        while now < end:
            now = min(end, now + int(random.integers(1, 40)))
            bit_by_bit += taken(cursor, now)
        assert bit_by_bit == at_once


def test_a_gap_marks_every_window_it_touches_and_no_other() -> None:
    random = np.random.default_rng(5)
    for length, hop, end in shapes():
        gaps: list[Gap] = []
        position = 0
        while position < end:
            start = position + int(random.integers(1, 60))
            position = start + int(random.integers(1, 40))
            gaps.append((start, position))
        cursor = WindowCursor(length, hop)
        for gap in gaps:
            cursor.mark_gap(*gap)
        for start, touching in taken(cursor, end):
            stop = start + length
            expected = [(max(a, start), min(b, stop)) for a, b in gaps if a < stop and b > start]
            assert list(touching) == expected


@pytest.mark.parametrize(
    ("gap", "marked"),
    [((30, 31), [10, 20, 30]), ((29, 30), [0, 10, 20]), ((0, 1), [0]), ((39, 41), [10, 20, 30, 40])],
)
def test_a_gap_of_a_sample_marks_exactly_its_windows(gap: Gap, marked: list[int]) -> None:
    cursor = WindowCursor(length=30, hop=10)
    cursor.mark_gap(*gap)
    assert [start for start, gaps in taken(cursor, 100) if gaps] == marked


def test_a_gap_longer_than_a_window_covers_it_whole() -> None:
    cursor = WindowCursor(length=30, hop=30)
    cursor.mark_gap(10, 100)
    assert [gaps for _, gaps in taken(cursor, 120)] == [((10, 30),), ((30, 60),), ((60, 90),), ((90, 100),)]


def test_skipped_windows_are_left_out_and_the_grid_stays() -> None:
    cursor = WindowCursor(length=30, hop=10)
    cursor.take()
    cursor.skip(3)
    assert cursor.due(70) == 1
    assert cursor.take() == (40, ())


def test_a_gap_in_skipped_windows_still_marks_the_next() -> None:
    cursor = WindowCursor(length=30, hop=10)
    cursor.mark_gap(5, 6)
    cursor.mark_gap(35, 36)
    cursor.skip(3)
    assert cursor.take() == (30, ((35, 36),))


@pytest.mark.parametrize(("end", "backlog"), [(30, 10), (35, 15), (20, 0), (0, -20)])
def test_the_backlog_is_what_came_after_the_newest_window(end: int, backlog: int) -> None:
    assert WindowCursor(length=30, hop=10).backlog(end) == backlog


def test_when_all_due_windows_are_taken_the_backlog_is_less_than_a_hop() -> None:
    for length, hop, end in shapes():
        cursor = WindowCursor(length, hop)
        taken(cursor, end)
        assert cursor.backlog(end) < hop
        assert cursor.due(end) == 0
