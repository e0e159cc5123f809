"""What each kind of model costs here: milliseconds a window, as ratios in one run, with random weights.

    python tests/benchmarks/cost_of_models.py [--large] [--rounds 7]

Weights do not change how long a model takes, so those of the published shapes are made up; `--large` adds
WavLM Large, which needs 4 GB of memory.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors.torch import save_file

from earwitnessd.engines import Windows, open_embedder, open_overlap_detector
from earwitnessd.engines.architecture import Architecture
from earwitnessd.engines.layout import weight_shapes
from earwitnessd.engines.speech import speech_windows
from earwitnessd.models import open_model
from earwitnessd.models.families import Family

WINDOW = 48_000  # samples
SUM = {"use_weighted_layer_sum": True}
LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
}
PEER = "wavlm-base-plus-sv"

Compute = Callable[[Windows], object]


def written(folder: Path, family: Family, config: Mapping[str, Any]) -> str:
    """A model of this shape."""
    folder.mkdir()
    whole = {"model_type": "wavlm", **config, "architectures": [family.value]}
    shapes = weight_shapes(msgspec.convert(whole, Architecture))
    torch.manual_seed(1)
    weights = {
        name: torch.ones(shape) if "norm" in name and name.endswith("weight") else 0.03 * torch.randn(shape)
        for name, shape in shapes.items()
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(whole))
    (folder / "preprocessor_config.json").write_text('{"do_normalize": false, "sampling_rate": 16000}')
    return str(folder)


def opened(folder: Path, *, large: bool) -> dict[str, Compute]:
    """Each loaded, by the name of what it is shaped like."""
    xvector = open_embedder(open_model(written(folder / "sv", Family.XVECTOR, SUM)), "cpu")
    frames = open_overlap_detector(open_model(written(folder / "sd", Family.FRAMES, SUM)), "cpu", 0.5)
    models: dict[str, Compute] = {
        PEER: xvector.embed,
        "wavlm-base-plus-sd (overlap.model)": frames.shares,
        "builtin": open_embedder(open_model("builtin"), "cpu").embed,
    }
    if large:
        backbone = open_model(written(folder / "large", Family.BACKBONE, LARGE))
        models["WavLM Large, without its head"] = open_embedder(backbone, "cpu").embed
    return models


def measured(models: Mapping[str, Compute], rounds: int) -> dict[str, float]:
    """Median ms a window, one model after the other in each round."""
    window = speech_windows(1, WINDOW)
    taken: dict[str, list[float]] = {name: [] for name in models}
    for round_number in range(rounds + 1):
        for name, compute in models.items():
            began_s = time.perf_counter()
            compute(window)
            if round_number:  # the first warms up
                taken[name].append(1000 * (time.perf_counter() - began_s))
    return {name: statistics.median(each) for name, each in taken.items()}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(opened(Path(folder), large=asked.large), asked.rounds)
    print(f"| model | ms a window of 3 s, {torch.get_num_threads()} threads | ratio |\n|---|---|---|")
    for name, ms in found.items():
        print(f"| {name} | {ms:.1f} | {ms / found[PEER]:.2f} |")


if __name__ == "__main__":
    main()
