"""What it costs to write one verdict's audio, beside embedding one window: why evidence has a thread.

    python tests/benchmarks/evidence_write.py [--directory DIR]

Prints the median, the 99th percentile and the worst of each, and their ratio to the median of embedding.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from earwitness.events import RATE, SpeakerUnknown
from earwitnessd.capture.messages import Samples
from earwitnessd.engines import open_embedder
from earwitnessd.evidence.clip import Clip, Key
from earwitnessd.evidence.folder import EvidenceFolder
from earwitnessd.evidence.record import Record
from earwitnessd.models import open_model

CLIP_S = 8  # three seconds before the window, the window, two after it
WINDOW_SAMPLES = 3 * RATE


def main() -> None:
    """Write clips of noise (FLAC cannot make them smaller), and embed windows in between."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--directory", type=Path, default=None, help="on the disk to be measured")
    arguments.add_argument("--clips", type=int, default=200)
    given = arguments.parse_args()
    embedder = open_embedder(open_model("builtin"), device="cpu", threads=1)
    embedder.warm_up(WINDOW_SAMPLES, 1)
    noise = np.random.default_rng(0).standard_normal(CLIP_S * RATE).astype(np.float32) * np.float32(0.1)
    seconds: dict[str, list[float]] = {"embed": [], "encode": [], "write": []}
    with tempfile.TemporaryDirectory(dir=given.directory) as directory:
        folder = EvidenceFolder(Path(directory) / "evidence", retention_days=1, max_files=1000)
        for number in range(given.clips):
            record = _record(number, noise)
            moments = [time.perf_counter()]
            embedder.embed(noise[np.newaxis, :WINDOW_SAMPLES])
            moments.append(time.perf_counter())
            record.audio()
            moments.append(time.perf_counter())
            folder.write(record)
            moments.append(time.perf_counter())
            for name, began, ended in zip(seconds, moments, moments[1:], strict=False):
                seconds[name].append(ended - began)
    peer = float(np.median(seconds["embed"]))
    for name, taken in seconds.items():
        figures = [float(np.percentile(taken, share)) for share in (50, 99, 100)]
        told = ", ".join(f"{1000 * each:.2f} ms ({each / peer:.2f})" for each in figures)
        print(f"{name}: median, 99th, worst: {told}")


def _record(number: int, samples: Samples) -> Record:
    event = SpeakerUnknown(
        boot="00000000-benchmark",
        seq=number,
        time="2026-11-20T20:00:00.000Z",
        stream="desk",
        stream_id="00000000-desk-1",
        start=0,
        stop=WINDOW_SAMPLES,
        nearest=None,
        score=None,
        threshold=0.7,
        evidence_s=2.0,
        ttl_s=6.0,
    )
    return Record(event, Clip(Key.of(event), 0, samples), ())


if __name__ == "__main__":
    main()
