"""Counts machines: what one carries by the simulated queue, and how many of them so many streams need."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

from earwitnessd.listening.turns import MOST_BATCH
from earwitnessd.sizing.figures import Figures
from earwitnessd.sizing.queueing import Load, Service, Waited, simulate

RATE = 16_000
BYTES = 2
# a sample on the network
FULLEST = 0.7
# of a thread, when nothing else is known: bursts need room
ROUNDING = 1e-9
WAY_MS = 0.8
# of a window in a full batch, to replicas and back by one gate: `tests/benchmarks/remote_engines.py`, with
# two busy cores for all of it. The daemon's thread waits meanwhile
SIMULATED_S = 30.0
MOST_WINDOWS = 2_000_000
# simulated at once: of more streams a shorter time is looked at
MOST_STREAMS = 100_000
# that are looked for on one machine


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for."""

    streams: int
    hop_s: float = 0.5
    speech: float = 1.0
    # of the time, somebody speaks in a stream
    max_wait_ms: float = 500.0
    # 99 of 100 windows are embedded within it
    max_lag_s: float = 2.0


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """So many machines of the kind that was measured, each a daemon with its own engine."""

    streams: int
    # one carries
    machines: int
    limit: str
    # what comes to its end first
    busy: float
    # of the time, the model computes, with a full machine
    p50_ms: float
    p99_ms: float
    memory_mb: float
    # each, with microphones of its own
    satellite_mbit_s: float
    # each, instead, from microphones on the network
    windows_per_s: float
    # all of them


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """Daemons without a model of their own, and replicas that embed for them."""

    streams_per_daemon: int
    daemons: int
    daemon_mb: float
    replicas: int
    gates: int
    # processes of `earwitnessd serve-embeddings` that daemons share
    windows_per_s: float
    # to the replicas
    gbit_s: float
    # the same, on the network; embeddings come back, 4 bytes a dimension


def one_box(wish: Wish, figures: Figures) -> Box:
    """Daemons with engines."""
    service = Service(figures.batches, figures.spread)

    def waited(streams: int) -> Waited:
        return simulated(wish, streams, service, thread_share(figures, wish.hop_s, streams))

    streams = _most(lambda count: _carried(waited(count), wish), MOST_STREAMS)
    full = waited(max(streams, 1))
    satellite = RATE * BYTES * 8 / 1e6
    return Box(
        streams=streams,
        machines=math.ceil(wish.streams / streams) if streams else 0,
        limit=_limit(figures, wish, streams),
        busy=full.busy,
        p50_ms=full.p50_ms,
        p99_ms=full.p99_ms,
        memory_mb=figures.daemon_mb + streams * (figures.stream_mb + figures.capture_mb),
        satellite_mbit_s=streams * satellite,
        windows_per_s=wish.streams * wish.speech / wish.hop_s,
    )


def cluster(wish: Wish, edge: Figures, replica: Figures) -> Cluster:
    """Daemons as `edge` hears, decides and publishes; the model is computed where `replica` was measured."""
    waits_s = (
        WAY_MS / 1000.0 + 1.0 / replica.windows_per_s
    )  # for one replica, though several may share a batch
    per_stream = thread_share(edge, wish.hop_s, 1) + waits_s * wish.speech / wish.hop_s
    streams = max(1, int(FULLEST / per_stream + ROUNDING)) if per_stream else MOST_STREAMS
    windows_per_s = wish.streams * wish.speech / wish.hop_s
    window_bytes = round(replica.window_s * RATE) * BYTES
    return Cluster(
        streams_per_daemon=streams,
        daemons=math.ceil(wish.streams / streams),
        daemon_mb=edge.daemon_mb + min(streams, wish.streams) * edge.stream_mb,
        replicas=math.ceil(windows_per_s / (FULLEST * replica.windows_per_s)),
        gates=math.ceil(windows_per_s * WAY_MS / 1000.0 / FULLEST),
        windows_per_s=windows_per_s,
        gbit_s=windows_per_s * window_bytes * 8 / 1e9,
    )


def thread_share(figures: Figures, hop_s: float, streams: int) -> float:
    """Of the time of the daemon's thread, its own work.

    With shorter hops than were measured, as if all of it were done once a hop; with longer ones, as if all of
    it were done once a second: audio is heard and gated all the same.
    """
    return (
        streams * figures.hop_ms / 1000.0 / figures.measured_hop_s * max(1.0, figures.measured_hop_s / hop_s)
    )


def simulated(wish: Wish, streams: int, service: Service, share: float) -> Waited:
    """One machine with so many streams, for as long as it takes to tell."""
    load = Load(streams, wish.hop_s, wish.speech, wish.max_lag_s)
    seconds = min(SIMULATED_S, max(4.0 * wish.hop_s, MOST_WINDOWS * wish.hop_s / streams))
    return simulate(load, service, share, seconds)


def _carried(waited: Waited, wish: Wish) -> bool:
    return not waited.skipped and waited.p99_ms <= wish.max_wait_ms


def _most(carries: Callable[[int], bool], most: int) -> int:
    """The largest number that is carried, where every smaller one is, too."""
    if not carries(1):
        return 0
    low, high = 1, 2
    while high <= most and carries(high):
        low, high = high, 2 * high
    high = min(high, most + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if carries(middle) else (low, middle)
    return low


def _limit(figures: Figures, wish: Wish, streams: int) -> str:
    service = Service(figures.batches, figures.spread)
    windows_per_s = max(streams, 1) * wish.speech / wish.hop_s
    largest = min(MOST_BATCH, service.room(wish.hop_s))
    model = windows_per_s * service(largest) / largest
    own = thread_share(figures, wish.hop_s, max(streams, 1))
    return f"the daemon's own work ({own:.0%})" if own > model else f"the model ({model:.0%})"
