"""How much of one core a model needs for 3 s windows every 0.5 s.

    taskset -c 0 python tests/benchmarks/builtin_rtf.py --model builtin

Prints milliseconds a window (median, 90th percentile) and the real-time factor: those per 0.5 s of audio.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from earwitnessd.engines import open_embedder
from earwitnessd.models import open_model

WINDOW_SAMPLES = 48_000
HOP_S = 0.5


def main() -> None:
    """Embed windows one by one on one thread, as a daemon with one microphone does."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", default="builtin")
    arguments.add_argument("--windows", type=int, default=300)
    given = arguments.parse_args()
    model = open_model(given.model)
    embedder = open_embedder(model, device="cpu", threads=1)
    windows = np.random.default_rng(0).standard_normal((given.windows, 1, WINDOW_SAMPLES)).astype(np.float32)
    embedder.warm_up(WINDOW_SAMPLES, 1)
    seconds = []
    for window in windows:
        began = time.perf_counter()
        embedder.embed(window)
        seconds.append(time.perf_counter() - began)
    for name, share in (("median", 50), ("p90", 90)):
        value = float(np.percentile(seconds, share))
        print(f"{model.model_id} {name}: {1000 * value:.2f} ms a window, RTF {value / HOP_S:.4f}")


if __name__ == "__main__":
    main()
