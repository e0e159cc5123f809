"""Simulates windows that wait for one engine: everything due is one batch, and what is too old is skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earwitnessd.listening.turns import MOST_BATCH
from earwitnessd.sizing.figures import Batch

Times = npt.NDArray[np.float64]

SPOKEN_S = 5.0
# mean length of a stretch of speech: windows of one stream come in runs
HOPELESS = 0.999
# of the thread's time, taken by the daemon itself: nothing is left for the model


@dataclass(frozen=True, slots=True)
class Load:
    """What comes."""

    streams: int
    hop_s: float = 0.5
    speech: float = 1.0
    # of the time, somebody speaks in a stream
    max_lag_s: float = 2.0
    # older windows are skipped


@dataclass(frozen=True, slots=True)
class Waited:
    """What became of it."""

    windows: int
    skipped: int
    busy: float
    # of the time, the model computes
    p50_ms: float
    # from the moment that a window is complete until its embedding is there
    p99_ms: float
    most_ms: float
    batch: float
    # windows, a mean


class Service:
    """How long a batch takes: straight lines between measured sizes, beyond them as many times the last."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        ordered = sorted(batches, key=lambda batch: batch.windows)
        sizes = np.array([batch.windows for batch in ordered], dtype=np.float64)
        seconds = np.array([batch.ms for batch in ordered]) / 1000.0
        every = np.arange(1, MOST_BATCH + 1, dtype=np.float64)
        self._seconds = np.interp(every, sizes, seconds)
        beyond = every > sizes[-1]
        self._seconds[beyond] = seconds[-1] * every[beyond] / sizes[-1]
        below = every < sizes[0]
        self._seconds[below] = seconds[0]

    def __call__(self, windows: int) -> float:
        """Seconds."""
        return float(self._seconds[windows - 1])

    def room(self, hop_s: float) -> int:
        """The most windows that fit into a hop."""
        return max(1, int(np.searchsorted(self._seconds, hop_s, side="right")))


def simulate(load: Load, service: Service, thread_share: float, seconds: float, seed: int = 0) -> Waited:
    """One engine for `seconds`; the daemon's own work takes `thread_share` of its time, in small pieces."""
    due = _due(load, seconds, np.random.default_rng(seed))
    if thread_share >= HOPELESS or not len(due):
        return Waited(0, len(due), 0.0, *(float("inf") if len(due) else 0.0,) * 3, 0.0)
    slowed = 1.0 / (1.0 - thread_share)
    most = service.room(load.hop_s)
    waited: list[Times] = []
    now_s = busy_s = 0.0
    first = skipped = 0
    while first < len(due):
        now_s = max(now_s, float(due[first]))
        fresh = int(np.searchsorted(due, now_s - load.max_lag_s))
        skipped += max(0, fresh - first)
        first = max(first, fresh)
        last = min(int(np.searchsorted(due, now_s, side="right")), first + most)
        took_s = service(last - first) * slowed
        now_s += took_s
        busy_s += took_s
        waited.append(now_s - due[first:last])
        first = last
    ages = 1000.0 * np.concatenate(waited)
    middle, late, worst = (float(value) for value in np.percentile(ages, [50, 99, 100]))
    mean = len(ages) / len(waited)
    return Waited(len(ages), skipped, busy_s / max(now_s, seconds), middle, late, worst, mean)


def _due(load: Load, seconds: float, chance: np.random.Generator) -> Times:
    """When each window is complete, in order: every hop of a stream in which somebody speaks."""
    hops = int(seconds / load.hop_s)
    phases = chance.uniform(0.0, load.hop_s, load.streams)
    times = phases + load.hop_s * np.arange(hops)[:, None]
    due: Times = np.sort(times[_spoken(load, hops, chance)])
    return due


def _spoken(load: Load, hops: int, chance: np.random.Generator) -> npt.NDArray[np.bool_]:
    """(hops, streams): speech and silence in turns, of random length."""
    if load.speech >= 1.0:
        return np.ones((hops, load.streams), dtype=np.bool_)
    ends = min(1.0, load.hop_s / SPOKEN_S)
    begins = min(1.0, ends * load.speech / (1.0 - load.speech))
    spoken = np.empty((hops, load.streams), dtype=np.bool_)
    state = chance.random(load.streams) < load.speech
    for hop in range(hops):
        spoken[hop] = state
        draw = chance.random(load.streams)
        state = np.where(state, draw >= ends, draw < begins)
    return spoken
