"""Simulates windows that wait for one engine: everything due is one batch, and what is too old is skipped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earwitnessd.capture.cadence import Cadence
from earwitnessd.capture.words import RATE
from earwitnessd.listening.intake import INTAKE_S
from earwitnessd.listening.turns import MOST_BATCH
from earwitnessd.sizing.figures import Batch

Times = npt.NDArray[np.float64]

SPOKEN_S = 5.0
# mean length of a stretch of speech: windows of one stream come in runs
MOST_S = Cadence().most / RATE
# of audio in a block
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

    def __init__(self, batches: Sequence[Batch], spread: Sequence[float] = (1.0,)) -> None:
        self._spread = np.array(spread)
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

    def drawn(self, windows: int, chance: np.random.Generator) -> float:
        """Seconds that such a batch may take, too: other programs run, caches are cold."""
        return self(windows) * float(chance.choice(self._spread))

    def room(self, hop_s: float) -> int:
        """The most windows that fit into a hop."""
        return max(1, int(np.searchsorted(self._seconds, hop_s, side="right")))


def simulate(load: Load, service: Service, thread_share: float, seconds: float, seed: int = 0) -> Waited:
    """One engine thread for `seconds`, as the daemon's: it hears all that has come, then embeds what is due.

    Hearing a block takes time, all blocks together `thread_share` of it; what comes meanwhile is heard, too,
    before anything is embedded, and what comes while a batch is embedded waits for its end.
    """
    chance = np.random.default_rng(seed)
    came, complete = _blocks(load, seconds, chance)
    due = came[complete]
    if thread_share >= HOPELESS or not len(due):
        return Waited(0, len(due), 0.0, *(float("inf") if len(due) else 0.0,) * 3, 0.0)
    heard_windows = np.concatenate([[0], np.cumsum(complete)])
    # among the first so many blocks
    hearing_s = thread_share * seconds / len(came)
    most = service.room(load.hop_s)
    waited: list[Times] = []
    now_s = busy_s = 0.0
    heard = first = skipped = 0
    while heard < len(came) or first < len(due):
        if first == heard_windows[heard]:
            now_s = max(now_s, float(came[heard]))
        heard, now_s = _hear(came, heard, now_s, hearing_s)
        waiting = int(heard_windows[heard])
        fresh = min(waiting, int(np.searchsorted(due, now_s - load.max_lag_s)))
        skipped += max(0, fresh - first)
        first = max(first, fresh)
        last = min(waiting, first + most)
        if last == first:
            continue
        took_s = service.drawn(last - first, chance)
        now_s += took_s
        busy_s += took_s
        waited.append(now_s - due[first:last])
        first = last
    if not waited:
        return Waited(0, skipped, 0.0, float("inf"), float("inf"), float("inf"), 0.0)
    ages = 1000.0 * np.concatenate(waited)
    middle, late, worst = (float(value) for value in np.percentile(ages, [50, 99, 100]))
    mean = len(ages) / len(waited)
    return Waited(len(ages), skipped, busy_s / max(now_s, seconds), middle, late, worst, mean)


def _hear(came: Times, heard: int, now_s: float, hearing_s: float) -> tuple[int, float]:
    """All blocks that have come, and those that come meanwhile: how many that makes, and when it is done."""
    until_s = now_s + INTAKE_S
    while heard < len(came) and came[heard] <= now_s < until_s:
        arrived = int(np.searchsorted(came, now_s, side="right"))
        if hearing_s:
            arrived = min(arrived, heard + max(1, int((until_s - now_s) / hearing_s)))
        now_s += hearing_s * (arrived - heard)
        heard = arrived
    return heard, now_s


def _blocks(load: Load, seconds: float, chance: np.random.Generator) -> tuple[Times, npt.NDArray[np.bool_]]:
    """When each block of audio comes, in order, and whether it completes a window that is to be embedded.

    As a capture process sends them: no longer than `MOST_S`, and never past the end of a window.
    """
    hops = int(seconds / load.hop_s)
    pieces = max(1, math.ceil(load.hop_s / MOST_S - 1e-9))
    phases = chance.uniform(0.0, load.hop_s, load.streams)
    starts = phases + load.hop_s * np.arange(hops)[:, None]
    ends = np.minimum(MOST_S * np.arange(1, pieces + 1), load.hop_s)
    came = starts[:, :, None] + ends
    complete = np.zeros(came.shape, dtype=np.bool_)
    complete[:, :, -1] = _spoken(load, hops, chance)
    order = np.argsort(came, axis=None, kind="stable")
    return came.ravel()[order], complete.ravel()[order]


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
