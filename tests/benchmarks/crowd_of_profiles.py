"""What a window costs when a crowd is enrolled: scoring, deciding, telling; what a start and a newcomer cost.

    python -m tests.benchmarks.crowd_of_profiles [--people 10 1000 10000 100000] [--dimension 512]

Each size runs in a process of its own, for its memory. The profiles lie sealed in a real database; windows
are judged by the daemon's own code, with a calibration (evidence adds up for everybody), two groups,
and verdicts that come and go. The peer in the same run is the plain way: all cosines by one product, and the
best 20 of them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec
import numpy as np
from tests.calibration.making import calibration

from earwitness.events import RATE, WindowScored, encode
from earwitnessd.calibration import Calibrator, Cohort
from earwitnessd.decide import Decider, Evidence, Rules
from earwitnessd.decision import Point, Targets
from earwitnessd.enroll.collector import Template
from earwitnessd.enroll.origin import Origin
from earwitnessd.hearing import Arrival, HeardWindow
from earwitnessd.listening.verifier import StreamVerifier
from earwitnessd.profiles import ProfileStore
from earwitnessd.profiles.opening import transaction
from earwitnessd.profiles.people import People
from earwitnessd.quality import Quality
from earwitnessd.score import Heard, Vector
from earwitnessd.service.memory import resident_mb
from earwitnessd.settings.root import Settings
from earwitnessd.settings.sources import FileReplay
from earwitnessd.templates.vault import Place
from earwitnessd.windows import Window

MODEL = "crowd@1"
COHORT = 300  # speakers
WARM_UP, WINDOWS = 20, 200
HOPS_A_TURN = 8  # of one voice
TOLD = 20
MS = 1e3
QUALITY = Quality(finite=True, level_dbfs=-20.0, peak_dbfs=-6.0, clipping_ratio=0.0, snr_db=20.0)


def main() -> None:
    """One process a size, then a table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--people", type=int, nargs="+", default=[10, 1_000, 10_000, 100_000])
    arguments.add_argument("--dimension", type=int, default=512)
    arguments.add_argument("--one", type=int, default=0, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.one:
        print(json.dumps(measured(given.one, given.dimension)))
        return
    print(
        "people | peer ms | scoring | deciding | telling | all, median | 99th | times peer "
        "| event bytes | start s | one more ms | matrix MB | a stream MB"
    )
    for people in given.people:
        command = [
            sys.executable,
            "-m",
            "tests.benchmarks.crowd_of_profiles",
            "--one",
            str(people),
            "--dimension",
            str(given.dimension),
        ]
        one_thread = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # as `earwitnessd run` has it
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=one_thread)
        found = json.loads(done.stdout.splitlines()[-1])
        print(
            f"{people:,} | {found['peer']:.2f} | {found['scoring']:.2f} | {found['deciding']:.2f} "
            f"| {found['telling']:.2f} | {found['whole']:.2f} | {found['whole_99']:.2f} "
            f"| {found['whole'] / found['peer']:.1f} | {found['bytes']:.0f} | {found['start_s']:.2f} "
            f"| {found['one_more_ms']:.0f} | {found['matrix_mb']:.0f} | {found['stream_mb']:.1f}",
            flush=True,
        )


@dataclass(frozen=True, eq=False, slots=True)
class Crowd:
    """People who are only vectors."""

    vectors: Vector

    @classmethod
    def of(cls, people: int, dimension: int, seed: int = 1) -> Crowd:
        """Of unit length."""
        vectors = np.random.default_rng(seed).standard_normal((people, dimension), dtype=np.float32)
        return cls(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))

    def heard(self, windows: int) -> list[Vector]:
        """Turns of enrolled voices and of strangers, as a model hears them: not quite themselves."""
        random = np.random.default_rng(2)
        strangers = Crowd.of(windows, self.vectors.shape[1], seed=3).vectors
        found: list[Vector] = []
        for turn in range(windows // HOPS_A_TURN + 1):
            voice = (
                strangers[turn] if turn % 4 == 3 else self.vectors[int(random.integers(len(self.vectors)))]
            )
            for _ in range(HOPS_A_TURN):
                noise = random.standard_normal(len(voice)).astype(np.float32) / np.sqrt(len(voice))
                mixed = voice + np.float32(0.8) * noise
                found.append((mixed / np.linalg.norm(mixed)).astype(np.float32))
        return found[:windows]


def measured(people: int, dimension: int) -> dict[str, float]:
    """All figures of one size."""
    crowd, calibrator = Crowd.of(people, dimension), calibrator_of(dimension)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "profiles.db"
        fill(file, crowd)
        before_mb, began = resident_mb(), time.perf_counter()
        store = ProfileStore(file)
        everybody = People(store, MODEL, 0.6, calibrator)
        start_s, matrix_mb = time.perf_counter() - began, resident_mb() - before_mb
        try:
            found = windows_of(everybody, crowd)
            found["one_more_ms"] = one_more(everybody, dimension)
        finally:
            everybody.close()
    return {**found, "start_s": start_s, "matrix_mb": matrix_mb}


def windows_of(everybody: People, crowd: Crowd) -> dict[str, float]:
    """What each stage of a window takes, in milliseconds."""
    matrix, rules = everybody.matrix, rules_for(everybody)
    plain = np.ascontiguousarray(crowd.vectors)
    decider, verifier = Decider(rules), StreamVerifier("desk", FileReplay(path="-"), Settings(), rules)
    taken: dict[str, list[float]] = {"peer": [], "scoring": [], "deciding": [], "telling": [], "whole": []}
    sizes = []
    for number, vector in enumerate(crowd.heard(WARM_UP + WINDOWS)):
        stop = (3 * RATE) + number * RATE // 2
        moments = [time.perf_counter()]
        cosines = plain @ vector
        best = np.argpartition(cosines, -min(TOLD, len(cosines)))[-TOLD:]
        best[np.argsort(-cosines[best])]
        moments.append(time.perf_counter())
        scores = matrix.evidence(vector, Heard(2.5, 20.0))
        moments.append(time.perf_counter())
        decider.on_window(
            Evidence("desk", "desk-1", stop - 3 * RATE, stop, 2.5, 0.5, scores, ()),
        )
        moments.append(time.perf_counter())
        heard = window_at(stop)
        channel_s = -time.perf_counter()
        verifier._channel.hear(heard)
        channel_s += time.perf_counter()  # the spectrum of the audio: it is the same for any crowd
        again = time.perf_counter()
        events = verifier.judge(heard, vector, matrix, (0, 0))
        sent = [encode(event) for event in events]
        whole = time.perf_counter() - again - channel_s
        if number < WARM_UP:
            continue
        sizes += [
            len(text) for event, text in zip(events, sent, strict=True) if isinstance(event, WindowScored)
        ]
        stages = np.diff(moments)
        for name, seconds in zip(("peer", "scoring", "deciding"), stages.tolist(), strict=True):
            taken[name].append(seconds * MS)
        taken["whole"].append(whole * MS)
        taken["telling"].append(max(0.0, whole - stages[1] - stages[2]) * MS)
    found = {name: median(each) for name, each in taken.items()}
    found["whole_99"] = float(np.percentile(taken["whole"], 99))
    found["bytes"] = median(sizes)
    memory = decider.snapshot().memory
    found["stream_mb"] = (len(memory.means) + len(memory.windows)) / 2**20 if memory else 0.0
    return found


def one_more(everybody: People, dimension: int) -> float:
    """Enrolling: on the disk, in the matrix, in the rules."""
    taken = []
    for number, vector in enumerate(Crowd.of(9, dimension, seed=4).vectors):
        template = Template(vector=vector, speech_s=10.0, windows=5, consistency=0.9, snr_db=20.0)
        began = time.perf_counter()
        everybody.enrol(f"newcomer {number}", template, Origin("stream desk", "", "", 16_000))
        rules_for(everybody)
        taken.append((time.perf_counter() - began) * MS)
    return median(taken)


def rules_for(everybody: People) -> Rules:
    """Calibrated, as by default."""
    targets = Targets(
        point=Point(target_fmr=0.01, target_fnmr=0.05, prior=0.5),
        shared=True,
        people=(),
        turns=calibration().turns,
        lead=1.0,
        correlation=0.6,
        half_life_s=2.0,
    )
    rules = Rules(
        threshold=0.6,
        hysteresis=0.05,
        min_margin=0.04,
        verify_windows=2,
        unknown_windows=4,
        ttl_s=6.0,
        bounds=targets.bounds(),
        targets=targets,
    )
    return rules.among(everybody.roster)


def calibrator_of(dimension: int) -> Calibrator:
    """Strangers of the same kind as the crowd."""
    strangers = Crowd.of(COHORT, dimension, seed=5).vectors
    fitted = calibration(MODEL)
    weights = msgspec.structs.replace(fitted.weights, oddity=-2.0, cosine=0.5)  # as the built-in model's
    fitted = msgspec.structs.replace(fitted, weights=weights)
    return Calibrator(Cohort.of(MODEL, list(strangers), COHORT // 3), fitted)


def window_at(stop: int) -> HeardWindow:
    """As the daemon hears it; what is in it was said by `Crowd.heard`."""
    samples = np.zeros(3 * RATE, dtype=np.float32)
    window = Window("desk", "desk-1", stop - 3 * RATE, samples, ())
    now_ns = time.monotonic_ns()
    return HeardWindow(window, 2.5, 0.5, QUALITY, (), Arrival(stop, now_ns, now_ns))


def fill(file: Path, crowd: Crowd) -> None:
    """As if everybody had been enrolled once, every tenth in a group of two hundred."""
    store = ProfileStore(file)
    database, vault = store.database, store.vault
    with transaction(database):
        for key, vector in enumerate(crowd.vectors, start=1):
            name = f"person {key:06d}"
            database.execute(
                "INSERT INTO person (id, name, created) VALUES (?, ?, '2026-11-20T12:00:00Z')", (key, name)
            )
            sealed = vault.seal(vector, Place(key, key, name, MODEL))
            database.execute(
                "INSERT INTO exemplar (id, person, created, model_id, vector, label, source, speech_s,"
                " windows) VALUES (?, ?, '2026-11-20T12:00:00Z', ?, ?, '', 'stream desk', 10.0, 5)",
                (key, key, MODEL, sealed),
            )
            if key <= 400:
                group = "night shift" if key % 2 else "day shift"
                database.execute("INSERT INTO membership (person, name) VALUES (?, ?)", (key, group))
    store.close()


if __name__ == "__main__":
    main()
