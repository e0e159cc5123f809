from __future__ import annotations

import threading

import numpy as np
import pytest

from earwitnessd.ring import Frames, NotYetError, OverrunError, Ring


def counting(start: int, count: int) -> Frames:
    return np.arange(start, start + count, dtype=np.float32)


def test_what_was_written_is_read_at_its_position() -> None:
    ring = Ring(10)
    assert ring.write(counting(0, 4)) == 0
    assert ring.write(counting(4, 3)) == 4
    assert (ring.oldest, ring.end) == (0, 7)
    np.testing.assert_array_equal(ring.read(2, 4), [2, 3, 4, 5])


def test_every_split_of_a_wrapped_ring_reads_back_in_order() -> None:
    for step in range(1, 12):
        ring = Ring(11)
        for start in range(0, 100, step):
            ring.write(counting(start, step))
            kept = ring.end - ring.oldest
            np.testing.assert_array_equal(ring.read(ring.oldest, kept), counting(ring.oldest, kept))


def test_a_write_longer_than_the_ring_keeps_its_tail_and_counts_all() -> None:
    ring = Ring(8)
    ring.write(counting(0, 3))
    assert ring.write(counting(3, 30)) == 3
    assert (ring.oldest, ring.end) == (25, 33)
    np.testing.assert_array_equal(ring.read(25, 8), counting(25, 8))


@pytest.mark.parametrize("gap", [0, 1, 5, 7, 8, 9, 100])
def test_a_gap_moves_the_position_on_and_reads_as_silence(gap: int) -> None:
    ring = Ring(8)
    ring.write(counting(1, 6))
    assert ring.skip(gap) == 6
    assert ring.end == 6 + gap
    heard = np.concatenate([counting(1, 6), np.zeros(gap, np.float32)])
    kept = ring.end - ring.oldest
    np.testing.assert_array_equal(ring.read(ring.oldest, kept), heard[ring.oldest :])


def test_channels_stay_together() -> None:
    ring = Ring(5, channels=2)
    for start in range(0, 24, 3):
        ring.write(np.stack([counting(start, 3), -counting(start, 3)], axis=1))
    np.testing.assert_array_equal(ring.read(19, 5), np.stack([counting(19, 5), -counting(19, 5)], axis=1))


def test_overwritten_samples_are_refused_and_the_oldest_is_named() -> None:
    ring = Ring(8)
    ring.write(counting(0, 12))
    with pytest.raises(OverrunError) as refused:
        ring.read(3, 2)
    assert refused.value.oldest == 4


def test_samples_that_have_not_come_are_refused() -> None:
    ring = Ring(8)
    ring.write(counting(0, 4))
    with pytest.raises(NotYetError):
        ring.read(2, 3)


def test_what_can_never_be_is_a_value_error() -> None:
    ring = Ring(8, channels=2)
    with pytest.raises(ValueError, match="shape"):
        ring.write(counting(0, 4))
    with pytest.raises(ValueError, match="never go back"):
        ring.skip(-1)
    with pytest.raises(ValueError, match="cannot read 9"):
        ring.read(0, 9)
    with pytest.raises(ValueError, match="both must be at least 1"):
        Ring(0)


def test_a_read_is_a_copy() -> None:
    ring = Ring(4)
    ring.write(counting(0, 4))
    copy = ring.read(0, 4)
    ring.write(counting(4, 4))
    np.testing.assert_array_equal(copy, counting(0, 4))


def test_a_torn_read_is_never_returned() -> None:
    # Small enough that the writer laps the reader often, long enough that a copy can be interrupted.
    ring = Ring(30_000)
    block, total = 1_700, 1_700 * 20_000
    done = threading.Event()

    def write_all() -> None:
        modulus = 1 << 20  # exact in float32
        ramp = np.arange(modulus + block, dtype=np.float32)
        ramp[modulus:] -= modulus
        for start in range(0, total, block):
            ring.write(ramp[start % modulus : start % modulus + block])
        done.set()

    writer = threading.Thread(target=write_all)
    writer.start()
    intact = overrun = 0
    while not done.is_set():
        start = ring.oldest
        count = ring.end - start
        try:
            copy = ring.read(start, max(0, min(count, ring.capacity)))
        except (OverrunError, NotYetError):
            overrun += 1
            continue
        steps = np.diff(copy)
        assert np.all((steps == 1.0) | (steps == 1.0 - (1 << 20))), f"torn read at {start}"
        intact += 1
    writer.join()
    assert ring.end == total
    assert intact > 0
