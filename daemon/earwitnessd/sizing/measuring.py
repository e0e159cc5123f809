"""Measures on this machine what a plan is made from: the model by itself, and a whole daemon without it."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np

from earwitnessd.bench import pipeline
from earwitnessd.bench.machine import this_machine
from earwitnessd.bench.processes import children, resident_mb
from earwitnessd.bench.station import Setup, station
from earwitnessd.engines import Embedder, Windows, open_embedder
from earwitnessd.models import open_model
from earwitnessd.models.model import RATE
from earwitnessd.sizing.figures import Batch, Figures

BATCHES = (1, 2, 4, 8, 16, 32, 64)
STREAMS = 4
ROUNDS = 15
PAUSE_S = 0.06
LONGEST_S = 2.0
# no hop has room for a batch that takes longer
GATE = "silero"
# the one that costs more


def measure(setup: Setup, seconds: float, say: Callable[[str], None]) -> Figures:
    """On an idle machine, with as many streams as `setup` has."""
    machine = this_machine()
    say("the daemon without a model")
    overhead = pipeline.overhead(setup, GATE, setup.streams, seconds)
    say("memory of the daemon and its streams")
    daemon_mb, stream_mb, capture_mb = _memory(setup, seconds)
    say("the model")
    engine = setup.engine
    model = open_model(setup.model)
    embedder = open_embedder(
        model, engine.device, engine.threads, engine.precision, engine.backend, engine.amx
    )
    batches, spread = _batches(embedder, round(setup.windows.length_s * RATE))
    return Figures(
        machine=machine,
        model=embedder.model_id,
        device=embedder.device,
        window_s=setup.windows.length_s,
        batches=batches,
        spread=spread,
        hop_ms=overhead.daemon_ms,
        capture_ms=overhead.capture_ms,
        measured_hop_s=setup.windows.hop_s,
        daemon_mb=daemon_mb,
        stream_mb=stream_mb,
        capture_mb=capture_mb,
    )


def _batches(embedder: Embedder, window_samples: int) -> tuple[list[Batch], list[float]]:
    """Medians, and how single ones differ from them; what a window holds makes no difference."""
    noise = np.random.default_rng(0).normal(0.0, 0.1, (max(BATCHES), window_samples)).astype(np.float32)
    measured: list[Batch] = []
    spread: list[float] = []
    for size in BATCHES:
        embedder.warm_up(window_samples, size)
        took = [_seconds(embedder, noise[:size]) for _ in range(ROUNDS)]
        measured.append(Batch(windows=size, ms=1000.0 * median(took)))
        spread += [seconds / median(took) for seconds in took]
        if median(took) > LONGEST_S:
            break
    return measured, sorted(spread)


def _seconds(embedder: Embedder, windows: Windows) -> float:
    """After a pause, as in a daemon that waits for audio: caches are cold, the processor has slowed down."""
    time.sleep(PAUSE_S)
    began_s = time.perf_counter()
    embedder.embed(windows)
    return time.perf_counter() - began_s


def _memory(setup: Setup, seconds: float) -> tuple[float, float, float]:
    """MB of the daemon without streams, of a stream more, and of a capture process."""
    with station(setup) as running:
        empty_mb = resident_mb(running.pid)
        running.play(setup.streams)
        deadline_s = time.monotonic() + seconds
        while (left_s := deadline_s - time.monotonic()) > 0.0:
            running.daemon.listener.receive(left_s)
        full_mb = resident_mb(running.pid)
        captures = [resident_mb(pid) for pid in children(running.pid)]
    return empty_mb, max(0.0, full_mb - empty_mb) / setup.streams, float(np.mean(captures or [0.0]))
