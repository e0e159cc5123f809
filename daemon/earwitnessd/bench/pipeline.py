"""How long a spoken word takes to its event, on how many streams, and what the daemon itself costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
import numpy as np

from earwitness.events import Heartbeat, WindowScored
from earwitnessd.bench.errors import BenchError
from earwitnessd.bench.machine import Machine, this_machine
from earwitnessd.bench.processes import children, processor_s
from earwitnessd.bench.station import Setup, Station, station
from earwitnessd.settings.speech_gate import SpeechGateSettings

SETTLING_S = 2.0
# after the first window of the last stream
OPEN_WITHIN_S = 60.0
BUSY_S = 10.0  # of windows back to back: thousands of them


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """So many streams for a while."""

    streams: int
    seconds: float
    windows: int
    # that the model heard
    skipped: int
    lost_s: float
    # audio never heard, all streams together
    p50_ms: float
    # from a window's last sample to its event in a subscriber's hands
    p99_ms: float
    most_ms: float
    wait_p50_ms: float
    # of this, for the engine thread and in it, to the embedding: beyond the shortest way from the microphone
    wait_p99_ms: float
    busy: float
    # of the time, the model computes

    @property
    def sustained(self) -> bool:
        """Everything that was said was heard, and in time."""
        return not self.skipped and not self.lost_s


class Overhead(msgspec.Struct, frozen=True, kw_only=True):
    """What the daemon costs where the model costs nothing, in processor time of the kernel's, too.

    A window is one that the model would hear. The daemon is its process with all threads: engine, main,
    ZeroMQ's and the keepers'. Capture processes are told apart: here they decode, which no microphone needs.
    """

    gate: str
    # what tells speech from noise
    streams: int
    windows: int
    daemon_ms: float
    # of the daemon, a window
    capture_ms: float
    # of the capture processes together, a window
    busy_daemon_ms: float
    # of the daemon, a window, where recordings come as fast as it takes them: its memory is warm then, while
    # one that waits for microphones finds its caches cold at every block
    busy_windows_per_s: float
    path_p50_ms: float
    # from the arrival of a window's last block in the daemon to its event in a subscriber's hands
    path_p99_ms: float
    p50_ms: float
    # from the window's last sample, which waits for the rest of its block first
    p99_ms: float


class PipelineReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen."""

    machine: Machine
    model: str
    device: str
    window_s: float
    hop_s: float
    sustained_streams: int
    # the most, without a window skipped
    sustained_all: bool
    # true: there was no load that was too much
    rows: list[Load]
    # by number of streams
    overhead: list[Overhead]


@dataclass(frozen=True, slots=True)
class Watched:
    """A stretch of time."""

    windows: list[float]
    # ms from the last sample to the subscriber, of each that was embedded
    paths: list[float]
    # of this, without the capture process and the model
    waits: list[float]
    # of this, beyond the shortest way to the engine: for it, and the model itself
    before: Heartbeat
    after: Heartbeat
    seconds: float
    busy: float
    daemon_s: float
    # processor time
    capture_s: float


def measure(
    setup: Setup, streams: int, seconds: float, *, search: bool, say: Callable[[str], None]
) -> PipelineReport:
    """At `streams` streams, and upward to as many as `setup` has; then the daemon without a model."""
    machine = this_machine()
    costs = []
    for gate in ("silero", "energy"):
        say(f"the daemon without a model, speech gate {gate}")
        costs.append(overhead(setup, gate, streams, seconds))
    with station(setup) as running:
        levels = Levels(lambda count: load(running, count, seconds, say), setup.streams)
        levels.measure(streams)
        if search:
            levels.search(streams)
        engine = running.beat().engine
    return PipelineReport(
        machine=machine,
        model=engine.model_id,
        device=engine.device,
        window_s=setup.windows.length_s,
        hop_s=setup.windows.hop_s,
        sustained_streams=levels.sustained,
        sustained_all=not levels.too_many,
        rows=levels.rows,
        overhead=costs,
    )


class Levels:
    """Finds the most streams that a daemon can hear without a loss."""

    def __init__(self, load: Callable[[int], Load], most: int) -> None:
        self._load = load
        self._most = most
        self._rows: dict[int, Load] = {}

    @property
    def rows(self) -> list[Load]:
        """Everything that was measured, by number of streams."""
        return [self._rows[streams] for streams in sorted(self._rows)]

    @property
    def sustained(self) -> int:
        """The most."""
        return max((row.streams for row in self.rows if row.sustained), default=0)

    @property
    def too_many(self) -> int:
        """The fewest that were too many; 0: none were."""
        return min((row.streams for row in self.rows if not row.sustained), default=0)

    def measure(self, streams: int) -> Load:
        """Once for each number."""
        if streams not in self._rows:
            self._rows[streams] = self._load(streams)
        return self._rows[streams]

    def search(self, begin: int) -> None:
        """Twice as many until it is too much, then between."""
        streams = begin
        while self.measure(streams).sustained and streams < self._most:
            streams = min(self._most, 2 * streams)
        while (too_many := self.too_many) and too_many - self._sustained_below(too_many) > 1:
            self.measure((too_many + self._sustained_below(too_many)) // 2)

    def _sustained_below(self, streams: int) -> int:
        return max((row.streams for row in self.rows if row.sustained and row.streams < streams), default=0)


def load(running: Station, streams: int, seconds: float, say: Callable[[str], None]) -> Load:
    """So many of its streams for a while."""
    say(f"{streams} streams")
    seen = _watch(running, streams, seconds)
    p50_ms, p99_ms, most_ms = _quantiles(seen.windows)
    wait_p50_ms, wait_p99_ms, _ = _quantiles(seen.waits)
    return Load(
        streams=streams,
        seconds=seen.seconds,
        windows=len(seen.windows),
        skipped=_counted(seen, "windows_skipped"),
        lost_s=_counted(seen, "lost_samples") / 16_000,
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        most_ms=most_ms,
        wait_p50_ms=wait_p50_ms,
        wait_p99_ms=wait_p99_ms,
        busy=seen.busy,
    )


def overhead(setup: Setup, gate: str, streams: int, seconds: float) -> Overhead:
    """Of a daemon of its own, with a model that answers at once."""
    settings = msgspec.convert({"type": gate}, SpeechGateSettings)
    with station(replace(setup, streams=streams, gate=settings, modelless=True)) as running:
        seen = _watch(running, streams, seconds)
    fast = replace(setup, streams=streams, gate=settings, modelless=True, pace="fast")
    with station(fast) as running:
        busy_ms, windows_per_s = _back_to_back(running, streams, min(seconds, BUSY_S))
    p50_ms, p99_ms, _ = _quantiles(seen.windows)
    path_p50_ms, path_p99_ms, _ = _quantiles(seen.paths)
    return Overhead(
        gate=gate,
        streams=streams,
        windows=len(seen.windows),
        daemon_ms=1000 * seen.daemon_s / len(seen.windows),
        capture_ms=1000 * seen.capture_s / len(seen.windows),
        busy_daemon_ms=busy_ms,
        busy_windows_per_s=windows_per_s,
        path_p50_ms=path_p50_ms,
        path_p99_ms=path_p99_ms,
        p50_ms=p50_ms,
        p99_ms=p99_ms,
    )


def _watch(running: Station, streams: int, seconds: float) -> Watched:
    """So many streams, after they have settled."""
    running.play(streams)
    _settle(running)
    before = running.beat()
    captures = children(running.pid)
    began_s, daemon_s = time.monotonic(), processor_s(running.pid)
    capture_s = sum(processor_s(pid) for pid in captures)
    _forget(running)
    windows: list[float] = []
    paths: list[float] = []
    waits: list[float] = []
    ways: list[float] = []
    busy: list[float] = []
    while (left_s := began_s + seconds - time.monotonic()) > 0.0:
        event = running.daemon.listener.receive(left_s)
        if isinstance(event, WindowScored) and event.scores and not event.replayed:
            windows.append(1000 * (time.time() - datetime.fromisoformat(event.time).timestamp()))
            paths.append(windows[-1] - event.latency_ms.capture - event.latency_ms.embed)
            latency = event.latency_ms
            ways.append(latency.capture)
            waits.append(latency.capture + latency.queue + latency.embed)
        elif isinstance(event, Heartbeat) and not event.replayed:
            busy.append(event.engine.busy)
        elif event is None and running.daemon.process.poll() is not None:
            raise BenchError(f"the daemon ended: {running.daemon.last_words()}")
    passed_s = time.monotonic() - began_s
    daemon_s = processor_s(running.pid) - daemon_s
    capture_s = sum(processor_s(pid) for pid in captures) - capture_s
    if not windows:
        raise BenchError("no window was embedded: there is no speech in these recordings")
    waits = [wait - min(ways) for wait in waits]
    busy_mean = float(np.mean(busy)) if busy else 0.0
    return Watched(windows, paths, waits, before, running.beat(), passed_s, busy_mean, daemon_s, capture_s)


def _back_to_back(running: Station, streams: int, seconds: float) -> tuple[float, float]:
    """Milliseconds of the daemon's processor time a window, and windows a second."""
    running.play(streams)
    _settle(running)
    before, began_s, daemon_s = running.beat().engine.windows, time.monotonic(), processor_s(running.pid)
    while time.monotonic() < began_s + seconds:
        running.daemon.listener.receive(0.5)
    windows, passed_s = running.beat().engine.windows - before, time.monotonic() - began_s
    if not windows:
        raise BenchError("no window was embedded: there is no speech in these recordings")
    return 1000 * (processor_s(running.pid) - daemon_s) / windows, windows / passed_s


def _settle(running: Station) -> None:
    """Until the stream that opened last has had its first window, and a little longer."""
    deadline_s = time.monotonic() + OPEN_WITHIN_S
    opened: set[str] = set()
    settled_s = None
    while settled_s is None or time.monotonic() < settled_s:
        event = running.daemon.listener.receive(0.5)
        if isinstance(event, WindowScored) and not event.replayed:
            opened.add(event.stream)
            if settled_s is None and opened.issuperset(running.playing):
                settled_s = time.monotonic() + SETTLING_S
        if time.monotonic() > deadline_s:
            silent = ", ".join(sorted(set(running.playing) - opened))
            raise BenchError(f"no window of {silent} within {OPEN_WITHIN_S:.0f} s: too many streams?")


def _forget(running: Station) -> None:
    """What has come meanwhile."""
    while running.daemon.listener.receive(0.0) is not None:
        continue


def _counted(seen: Watched, counter: str) -> int:
    """By how much a counter grew in the streams that were live from first to last."""
    before = {stream.stream: stream for stream in seen.before.streams if stream.state == "live"}
    grown = 0
    for stream in seen.after.streams:
        if first := before.get(stream.stream):
            grown += getattr(stream, counter) - getattr(first, counter)
    return grown


def _quantiles(latencies_ms: Sequence[float]) -> tuple[float, float, float]:
    """Median, 99th percentile, and the worst."""
    middle, late, worst = np.percentile(latencies_ms, [50, 99, 100])
    return float(middle), float(late), float(worst)
