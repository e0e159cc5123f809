"""Reports as the commands make them, of figures that nobody measured."""

from __future__ import annotations

from earwitnessd.bench.engine_report import EngineReport, Row
from earwitnessd.bench.machine import this_machine
from earwitnessd.bench.memory import MemoryReport, Sample
from earwitnessd.bench.pipeline import Load, Overhead, PipelineReport
from earwitnessd.bench.trend import Trend


def row(engine: str, threads: int | None, batch: int, ms: float, ratio: float, *, gpu: bool = False) -> Row:
    return Row(
        engine=engine,
        device="a device",
        threads=threads,
        batch=batch,
        window_s=3.0,
        ms=ms,
        ratio=ratio,
        ratio_bfloat16=ratio / 3 if gpu else None,
        max_rel_error=6e-7,
        one_minus_cos=1e-13,
        tflops=1.2,
        peak_share=0.41 if gpu else None,
        rounds=12,
    )


def engines(*, gpu: bool = False) -> EngineReport:
    rows = [
        row(name, None if gpu else threads, batch, 100.0 * batch / ratio, ratio, gpu=gpu)
        for threads in (1, 2)
        for batch in (1, 8)
        for name, ratio in (("transformers float32", 1.0), ("earwitness float32", 1.3))
    ]
    return EngineReport(
        machine=this_machine(), gpus=[], model="m@0", peer="transformers 0, eager", rows=rows, refused=[]
    )


def load(streams: int, skipped: int = 0) -> Load:
    return Load(
        streams=streams,
        seconds=20.0,
        windows=40 * streams,
        skipped=skipped,
        lost_s=0.0,
        p50_ms=30.0 + streams,
        p99_ms=60.0 + 10 * streams,
        most_ms=100.0 * streams,
        wait_p50_ms=10.0 * streams,
        wait_p99_ms=20.0 * streams,
        busy=min(1.0, streams / 10),
    )


def pipelines(*, enough: bool = True) -> PipelineReport:
    return PipelineReport(
        machine=this_machine(),
        model="m@0",
        device="cpu (1 thread), float32",
        window_s=3.0,
        hop_s=0.5,
        sustained_streams=8,
        sustained_all=not enough,
        rows=[load(4), load(8), *([load(16, skipped=70)] if enough else [])],
        overhead=[
            Overhead(
                gate=gate,
                streams=4,
                windows=160,
                daemon_ms=daemon_ms,
                capture_ms=0.6,
                busy_daemon_ms=daemon_ms / 2,
                busy_windows_per_s=800.0,
                path_p50_ms=1.2,
                path_p99_ms=3.4,
                p50_ms=20.0,
                p99_ms=40.0,
            )
            for gate, daemon_ms in (("silero", 7.0), ("energy", 1.5))
        ],
    )


def memories() -> MemoryReport:
    rows = [Sample(at_s=5.0 * n, daemon_mb=300.0 + min(n, 20) / 4, captures_mb=160.0) for n in range(100)]
    flat = Trend(first_mb=304.0, last_mb=304.1, most_mb=305.0, mb_per_h=0.1, low=-0.2, high=0.4)
    return MemoryReport(
        machine=this_machine(),
        model="m@0",
        device="cpu (1 thread), float32",
        streams=4,
        minutes=500 / 60,
        settled_s=100.0,
        daemon=flat,
        captures=flat,
        verdict="flat",
        windows=4000,
        skipped=0,
        restarts=0,
        rows=rows,
    )
