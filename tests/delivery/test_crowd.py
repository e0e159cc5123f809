"""A hundred subscribers, some stuck, some hostile, and a publisher that starts again and again."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack

import pytest

from .crowd import Accountant, hostile, stuck
from .station import Station

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measures memory through /proc")

RESTARTS = (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGTERM)
MOST_GROWTH_MB = 24.0


@pytest.mark.parametrize(
    ("good", "bad", "per_second", "restarts"),
    [
        (12, 3, 500, RESTARTS[:2]),
        pytest.param(80, 10, 30, RESTARTS, marks=[pytest.mark.slow, pytest.mark.timeout(300)]),
    ],
)
def test_good_subscribers_know_exactly_what_they_missed(
    good: int, bad: int, per_second: float, restarts: tuple[signal.Signals, ...]
) -> None:
    with Station(per_second=per_second) as station, ExitStack() as crowd:
        accountants = [Accountant(station.events) for _ in range(good)]
        for accountant in accountants:
            accountant.start()
            crowd.callback(accountant.finish)
        crowd.enter_context(stuck(station.events, bad))
        crowd.enter_context(hostile(station.events, bad))
        memory_mb = []
        cut_clients = 0
        for number in (*restarts, signal.SIGTERM):
            assert all(each.settled.acquire(timeout=60) for each in accountants)
            memory_mb.append(station.memory_mb())
            cut_clients += station.figures()["cut_clients"]
            station.stop(number)
            if len(memory_mb) <= len(restarts):
                station.start()
        crowd.pop_all().close()
        assert cut_clients > 0
        assert max(memory_mb) - min(memory_mb) < MOST_GROWTH_MB, memory_mb
        for each in accountants:
            assert len(each.boots) == len(restarts) + 1
            assert each.out_of_order == each.twice == 0
            assert each.counts.missed == each.really_missed
            for boot in each.ends_heard:
                assert each.highest[boot] == station.published(boot)
        heard_ends = sum(len(each.ends_heard) for each in accountants)
        orderly = 1 + sum(number == signal.SIGTERM for number in restarts)
        assert heard_ends >= 0.9 * good * orderly
        if per_second > 100:  # else the last values, which come anyway, may be all that was missed
            assert sum(each.counts.filled for each in accountants) > 0
