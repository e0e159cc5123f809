"""The simulated queue agrees with what queueing theory says of the cases that have a formula."""

from __future__ import annotations

import math

import pytest

from earwitnessd.sizing.figures import Batch
from earwitnessd.sizing.queueing import Load, Service, simulate

LINEAR = [Batch(windows=1, ms=10.0), Batch(windows=64, ms=640.0)]


def test_one_stream_waits_as_long_as_a_window_takes() -> None:
    waited = simulate(Load(1), Service(LINEAR), 0.0, 60.0)
    assert waited.windows == 120
    assert waited.p50_ms == pytest.approx(10.0)
    assert waited.most_ms == pytest.approx(10.0)
    assert waited.busy == pytest.approx(10.0 / 500.0, rel=0.01)


def test_a_window_waits_until_its_block_was_heard() -> None:
    """Two blocks a hop: with half of the time for hearing, each takes an eighth of a second."""
    waited = simulate(Load(1), Service(LINEAR), 0.5, 60.0)
    assert waited.p50_ms == pytest.approx(125.0 + 10.0)
    assert waited.busy == pytest.approx(10.0 / 500.0, rel=0.01)  # hearing is not embedding


def test_what_comes_while_others_are_heard_is_heard_first() -> None:
    """So a window waits for the blocks of all that came just before and after it."""
    alone = simulate(Load(1), Service(LINEAR), 0.5 / 16, 60.0)
    among = simulate(Load(16), Service(LINEAR), 0.5, 60.0)
    assert alone.p50_ms == pytest.approx(7.8 + 10.0, abs=0.1)
    assert among.p50_ms > 1.5 * alone.p50_ms
    assert among.p99_ms > 2.0 * alone.p99_ms


def test_longer_hops_come_in_blocks_of_a_quarter_of_a_second() -> None:
    waited = simulate(Load(1, hop_s=1.0), Service(LINEAR), 0.4, 60.0)
    assert waited.p50_ms == pytest.approx(1000.0 * 0.4 / 4 + 10.0)


def test_windows_that_come_together_are_one_batch() -> None:
    """A batch that costs as much as a window: at any load everything waits for at most two of them."""
    flat = Service([Batch(windows=1, ms=100.0), Batch(windows=64, ms=100.0)])
    waited = simulate(Load(60), flat, 0.0, 60.0)
    assert waited.busy > 0.95
    assert waited.batch == pytest.approx(60 / 0.5 * 0.1, rel=0.05)
    assert 100.0 <= waited.p50_ms <= waited.most_ms <= 200.0 + 1e-6
    assert not waited.skipped


@pytest.mark.parametrize("utilisation", [0.3, 0.6, 0.8])
def test_many_rare_speakers_wait_as_chance_arrivals_do(utilisation: float) -> None:
    """Served in batches of one window's cost each, a wait is that of M/D/1 with the batch's end in common.

    A batch of n takes n times as long as one; each of its windows waits for the whole batch. The mean is
    between the mean of M/D/1, where everybody leaves when served, and that plus the time of the batch.
    """
    streams = round(utilisation * 0.5 / 0.010 / 0.2)
    waited = simulate(Load(streams, speech=0.2), Service(LINEAR), 0.0, 400.0, seed=1)
    lone_ms = 10.0 * (1.0 + utilisation / (2.0 * (1.0 - utilisation)))
    assert waited.busy == pytest.approx(utilisation, abs=0.05)
    assert 0.5 * lone_ms < waited.p50_ms < lone_ms + 10.0 * waited.batch


def test_overload_skips_what_is_too_much_and_age_stays_bounded() -> None:
    waited = simulate(Load(100), Service(LINEAR), 0.0, 60.0)  # twice as many as it can do
    assert waited.skipped / (waited.skipped + waited.windows) == pytest.approx(0.5, abs=0.05)
    assert waited.most_ms <= 2000.0 + 2 * 500.0 + 20.0


def test_a_thread_that_has_no_time_left_embeds_nothing() -> None:
    waited = simulate(Load(4), Service(LINEAR), 1.2, 10.0)
    assert (waited.windows, waited.skipped) == (0, 80)
    assert math.isinf(waited.p99_ms)


@pytest.mark.parametrize("speech", [0.1, 0.4, 0.9])
def test_only_speech_is_embedded(speech: float) -> None:
    waited = simulate(Load(200, speech=speech), Service(LINEAR[:1]), 0.0, 300.0)
    windows = waited.windows + waited.skipped
    assert windows / (200 * 300 / 0.5) == pytest.approx(speech, rel=0.1)


def test_a_batch_between_measured_sizes_takes_a_time_between() -> None:
    service = Service([Batch(windows=4, ms=40.0), Batch(windows=2, ms=30.0)])
    assert [service(size) for size in (1, 2, 3, 4, 8)] == pytest.approx([0.03, 0.03, 0.035, 0.04, 0.08])
    assert service.room(0.0401) == 4
    assert service.room(0.001) == 1


def test_some_batches_take_longer_than_the_median() -> None:
    uneven = Service(LINEAR, [1.0] * 9 + [5.0])
    waited = simulate(Load(1), uneven, 0.0, 600.0)
    assert waited.p50_ms == pytest.approx(10.0)
    assert waited.p99_ms == pytest.approx(50.0)
    assert waited.busy == pytest.approx(1.4 * 10.0 / 500.0, rel=0.05)
