"""Models to measure: any that the settings know, or one of a well-known shape with random weights."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from earwitnessd.bench.errors import BenchError
from earwitnessd.models import Model, open_model
from earwitnessd.models.families import Family

SHAPES: dict[str, dict[str, object]] = {
    # of microsoft/wavlm-base-plus-sv
    "random-base": {
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "feat_extract_norm": "group",
        "do_stable_layer_norm": False,
    },
    # of WavLM-large with the same head
    "random-large": {
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
        "feat_extract_norm": "layer",
        "do_stable_layer_norm": True,
    },
}
HEAD: dict[str, object] = {
    "tdnn_dim": [512, 512, 512, 512, 1500],
    "tdnn_kernel": [5, 3, 3, 1, 1],
    "tdnn_dilation": [1, 2, 3, 1, 1],
    "xvector_output_dim": 512,
    "use_weighted_layer_sum": True,
}


def comparable(name: str) -> Model:
    """The model of that name, if transformers can compute it too: by which engines are judged."""
    model = open_model(name)
    if model.family is not Family.XVECTOR:
        raise BenchError(
            f"--model {name}: {model.family.says}, which transformers cannot compute, so there is nothing to "
            f"compare with; expected {Family.XVECTOR.says}. `earwitnessd model import` tells its speed"
        )
    return model


@contextmanager
def prepared(name: str) -> Iterator[str]:
    """The name that the settings take; a random model lies in a folder for as long as it is needed."""
    if not name.startswith("random-"):
        yield name
        return
    if name not in SHAPES:
        raise BenchError(f"--model {name}: expected one of {', '.join(SHAPES)}, or a model that exists")
    with tempfile.TemporaryDirectory(prefix="earwitness-") as directory:
        folder = Path(directory) / name
        folder.mkdir()
        _write(folder, {**SHAPES[name], **HEAD})
        yield str(folder)


def _write(folder: Path, shape: dict[str, object]) -> None:
    from earwitnessd.bench.peer import write_random  # noqa: PLC0415  # needs transformers

    write_random(folder, shape)
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"do_normalize": False, "sampling_rate": 16_000}), encoding="utf-8"
    )
    (folder / "earwitness.json").write_text(json.dumps({"threshold": 0.86}), encoding="utf-8")
