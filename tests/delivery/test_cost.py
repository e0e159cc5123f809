"""What bad subscribers cost the daemon, and how soon a good one hears."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack

import pytest
import zmq

from earwitness.events import StreamGap, decode
from earwitnessd.access.sockets import MAX_SUBSCRIPTION

from .crowd import flood, hostile, stuck
from .station import Station

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measures memory through /proc")

WARM, MEASURED = 5_000, 14_000  # events; the first fill the stuck subscribers' queues
MOST_GROWTH_MB = 8.0
FLOOD = 60_000  # subscriptions, of which the longest would cost 1000 MB
LONGEST = MAX_SUBSCRIPTION - 1  # bytes of a topic
MOST_FLOODED_MB = 100.0
MOST_P99_MS = 1000.0  # this machine does other things; tests/benchmarks/fan_out.py measures


@pytest.mark.slow
def test_memory_stays_flat_beside_stuck_and_hostile_subscribers() -> None:
    with (
        Station(per_second=2000) as station,
        zmq.Context() as context,
        context.socket(zmq.SUB) as listener,
        ExitStack() as crowd,
    ):
        crowd.enter_context(stuck(station.events, 5))
        crowd.enter_context(hostile(station.events, 3))
        listener.linger = 0
        listener.rcvhwm = 0
        listener.subscribe(b"")
        listener.connect(station.events)
        warm_mb = 0.0
        delays_ms: list[float] = []
        while listener.poll(10_000):
            event = decode(listener.recv_multipart()[1])
            if isinstance(event, StreamGap) and not event.replayed:
                delays_ms.append((time.monotonic_ns() - event.start) / 1e6)
            if not warm_mb and event.seq >= WARM:
                warm_mb = station.memory_mb()
                delays_ms.clear()
            if event.seq >= MEASURED:
                break
        assert event.seq >= MEASURED
        assert station.memory_mb() - warm_mb < MOST_GROWTH_MB
        assert station.figures()["cut_clients"] > 0
        assert sorted(delays_ms)[int(0.99 * len(delays_ms))] < MOST_P99_MS


@pytest.mark.parametrize("length", [20, 200, LONGEST])
def test_a_flood_of_subscriptions_is_cut_before_it_costs_memory(length: int) -> None:
    with Station(per_second=50) as station:
        before_mb = station.memory_mb()
        flood(station.events, FLOOD, length)
        figures = station.figures()
        assert figures["refused_subscriptions"] == 1
        assert station.memory_mb() - before_mb < MOST_FLOODED_MB


def test_a_topic_that_is_too_long_ends_the_connection() -> None:
    with Station(per_second=50) as station, zmq.Context() as context, context.socket(zmq.XSUB) as client:
        client.linger = 0
        client.reconnect_ivl = -1
        monitor = client.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        client.connect(station.events)
        client.send(b"\1" + b"x" * 600)
        assert monitor.poll(10_000)
        client.disable_monitor()
        monitor.close(linger=0)
