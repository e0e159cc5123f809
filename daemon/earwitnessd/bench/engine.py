"""How fast every engine of this machine is, as a ratio to transformers in the same run, and how exact."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import soundfile

from earwitnessd.bench import agreement
from earwitnessd.bench.engine_report import EngineReport, Refused, Row
from earwitnessd.bench.machine import this_machine
from earwitnessd.bench.openings import Opened, open_all, without_lost
from earwitnessd.bench.peer import VERSION, Peer, cuda_devices, dense_bf16_tflops
from earwitnessd.bench.rounds import alternate
from earwitnessd.engines import Vectors, Windows
from earwitnessd.engines.devices import pick_device
from earwitnessd.engines.torch_wavlm import normalised
from earwitnessd.models import Model
from earwitnessd.models.model import RATE

SHIFT_S = 0.37
# from one window of speech to the next


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure."""

    model: Model
    device: str
    threads: Sequence[int]
    batches: Sequence[int]
    windows_s: Sequence[float]
    recordings: Sequence[Path]
    seconds: float
    # for one shape of batch, all engines together


def usual_threads() -> list[int]:
    """One, and all that there are."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return sorted({1, cores})


def usual_batches(device: str) -> list[int]:
    """One microphone, a few, and as many as keep a GPU busy."""
    return [1, 8, 64] if on_cuda(device) else [1, 8]


def on_cuda(device: str) -> bool:
    """Whether an engine would compute there."""
    return device.startswith("cuda") or (device == "auto" and bool(cuda_devices()))


def shapes(plan: Plan) -> int:
    """How many shapes of batch will be measured."""
    return len(plan.batches) * len(plan.windows_s) * (1 if on_cuda(plan.device) else len(plan.threads))


def measure(plan: Plan, progress: Callable[[float], None]) -> EngineReport:
    """`progress` is told how many shapes of batch are done."""
    machine = this_machine()
    gpus = cuda_devices()
    device, gpu = where(plan.device, gpus)
    rows: list[Row] = []
    refused: list[Refused] = []
    gone: list[Refused] = []
    for threads in plan.threads[:1] if gpu else plan.threads:
        contest = Contest(plan, device, threads, gpu)
        for length_s in plan.windows_s:
            ours, refused = open_all(plan.model, plan.device, threads, contest.windows(length_s, 1))
            for batch in plan.batches:
                rows += contest.rows(ours, length_s, batch)
                ours, lost = without_lost(ours, batch)
                gone += lost
                progress(len({(row.threads, row.window_s, row.batch) for row in rows}))
    return EngineReport(
        machine=machine,
        gpus=gpus,
        model=plan.model.model_id,
        peer=f"transformers {VERSION}, eager",
        rows=rows,
        refused=refused + gone,
    )


def where(device: str, gpus: Sequence[str]) -> tuple[str, str]:
    """The device that the peer computes on, and its name if it is a GPU; one that is not there is told."""
    if not on_cuda(device):
        return "cpu", ""
    chosen = pick_device(device)
    return str(chosen), gpus[chosen.index or 0]


class Contest:
    """Our engines and the peer on one device with so many threads."""

    def __init__(self, plan: Plan, device: str, threads: int, gpu: str) -> None:
        self._plan = plan
        self._threads = None if gpu else threads
        self._gpu = gpu
        directory = plan.model.directory
        self._exact = Peer(directory, device, threads)
        self._rough = Peer(directory, device, threads, bfloat16=True) if gpu else None
        self._speech = _speech(plan.recordings)

    def rows(self, ours: Sequence[Opened], length_s: float, batch: int) -> Iterator[Row]:
        """The peer's first."""
        windows = self.windows(length_s, batch)
        prepared = normalised(windows) if self._plan.model.normalise else windows
        peers = [self._exact, *([self._rough] if self._rough else [])]
        gflop = batch * self._exact.gflop(prepared[:1])
        for each in ours:
            each.embedder.warm_up(windows.shape[1], batch)
        ways: list[Callable[[], Vectors]] = [partial(peer.embed, prepared) for peer in peers]
        ways += [partial(each.embedder.embed, windows) for each in ours]
        rounds = alternate(ways, self._plan.seconds)
        took = [median(seconds) for seconds in rounds]
        vectors = [way() for way in ways]
        names = [(peer.name, self._peer_device) for peer in peers]
        names += [(each.name, each.embedder.device) for each in ours]
        lost = [False] * len(peers) + [bool(each.lost) for each in ours]
        for number, (name, device) in enumerate(names):
            if lost[number]:  # it was the CPU, in part
                continue
            yield Row(
                engine=name,
                device=device,
                threads=self._threads,
                batch=batch,
                window_s=length_s,
                ms=took[number] * 1000,
                ratio=took[0] / took[number],
                ratio_bfloat16=took[1] / took[number] if self._rough else None,
                max_rel_error=agreement.max_rel_error(vectors[number], vectors[0]),
                one_minus_cos=agreement.one_minus_cos(vectors[number], vectors[0]),
                tflops=gflop / took[number] / 1000,
                peak_share=self._peak_share(gflop / took[number] / 1000),
                rounds=len(rounds[number]),
            )

    @property
    def _peer_device(self) -> str:
        if self._gpu:
            return self._gpu
        return f"cpu ({self._threads} thread{'s' if self._threads != 1 else ''})"

    def _peak_share(self, tflops: float) -> float | None:
        peak = dense_bf16_tflops(self._gpu)
        return tflops / peak if peak else None

    def windows(self, length_s: float, batch: int) -> Windows:
        """Stretches of speech, none twice as far as there is enough of it."""
        samples = round(length_s * RATE)
        starts = (np.arange(batch) * round(SHIFT_S * RATE)) % max(1, len(self._speech) - samples)
        return np.stack([np.resize(self._speech[start:], samples) for start in starts])


def _speech(recordings: Sequence[Path]) -> Windows:
    """All of it in a row, mixed to one channel; its rate does not matter here."""
    heard = [soundfile.read(file, dtype="float32", always_2d=True)[0].mean(axis=1) for file in recordings]
    joined: Windows = np.concatenate(heard).astype(np.float32)
    return joined
