"""How much memory the daemon and its capture processes have over time."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import numpy as np

from earwitnessd.bench.errors import BenchError
from earwitnessd.bench.machine import Machine, this_machine
from earwitnessd.bench.processes import children, resident_mb
from earwitnessd.bench.station import Setup, Station, station
from earwitnessd.bench.trend import BLOCKS, Trend, trend

SAMPLE_S = 5.0
SETTLING = 0.5
# of the time: until caches, rings and the heap's free lists are full, memory grows as it should


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """Resident memory at one moment."""

    at_s: float
    daemon_mb: float
    captures_mb: float
    # of all capture processes together


class MemoryReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen, and what follows."""

    machine: Machine
    model: str
    # its id
    device: str
    streams: int
    minutes: float
    settled_s: float
    # the trend is of the time after this
    daemon: Trend
    captures: Trend
    verdict: str
    # flat if both are
    windows: int
    # embedded
    skipped: int
    restarts: int
    # of capture processes: a new one's memory is a step, not a trend
    rows: list[Sample]


def measure(
    setup: Setup, minutes: float, progress: Callable[[float], None], sample_s: float = SAMPLE_S
) -> MemoryReport:
    """Run the daemon for so long and watch; `progress` is told the seconds."""
    seconds = minutes * 60.0
    least_s = sample_s * (BLOCKS + 2) / (1.0 - SETTLING)
    if seconds < least_s:
        raise BenchError(f"--minutes {minutes:g}: a trend needs at least {least_s / 60:.1f}")
    machine = this_machine()
    with station(setup) as running:
        running.play(setup.streams)
        rows = _watch(running, seconds, sample_s, progress)
        beat = running.beat()
    settled_s = seconds * SETTLING
    settled = [row for row in rows if row.at_s >= settled_s]
    at_s = np.array([row.at_s for row in settled])
    daemon = trend(at_s, np.array([row.daemon_mb for row in settled]))
    captures = trend(at_s, np.array([row.captures_mb for row in settled]))
    verdicts = {daemon.verdict, captures.verdict}
    return MemoryReport(
        machine=machine,
        model=beat.engine.model_id,
        device=beat.engine.device,
        streams=setup.streams,
        minutes=minutes,
        settled_s=settled_s,
        daemon=daemon,
        captures=captures,
        verdict=next(verdict for verdict in ("grows", "undecided", "flat") if verdict in verdicts),
        windows=beat.engine.windows,
        skipped=sum(stream.windows_skipped for stream in beat.streams),
        restarts=sum(stream.restarts for stream in beat.streams),
        rows=rows,
    )


def _watch(
    running: Station, seconds: float, sample_s: float, progress: Callable[[float], None]
) -> list[Sample]:
    """A sample every few seconds, as the clock has it."""
    rows: list[Sample] = []
    began_s = time.monotonic()
    while (at_s := time.monotonic() - began_s) < seconds:
        if at_s >= len(rows) * sample_s:
            if running.daemon.process.poll() is not None:
                raise BenchError(f"the daemon ended after {at_s:.0f} s: {running.daemon.last_words()}")
            captures_mb = sum(resident_mb(pid) for pid in children(running.pid))
            row = Sample(at_s=at_s, daemon_mb=resident_mb(running.pid), captures_mb=captures_mb)
            rows.append(row)
            progress(at_s)
        running.daemon.listener.receive(min(0.5, sample_s))
        # what it says must be taken, or our own queue would fill up
    return rows
