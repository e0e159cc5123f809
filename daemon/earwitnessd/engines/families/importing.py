"""Turns a checkpoint into the files of a model, after checking that every weight has its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import safetensors
import safetensors.torch

from earwitnessd.engines.architecture import Architecture
from earwitnessd.engines.checkpoint import TRAINING_ONLY, check_complete
from earwitnessd.engines.families.converted import Converted, Given
from earwitnessd.engines.families.reading import read_checkpoint
from earwitnessd.engines.families.recognising import recognised
from earwitnessd.engines.layout import weight_shapes
from earwitnessd.models.importing import Card
from earwitnessd.models.model import RATE, ModelError
from earwitnessd.models.verify import CONFIG, PREPROCESSOR, WEIGHTS

_SILENT = ("num_batches_tracked", "mask_emb", "masked_spec_embed")  # nobody misses them


def convert_checkpoint(
    source: Path, target: Path, assume: Mapping[str, Any], backbone: Path | None = None
) -> Card:
    """Write config.json, preprocessor_config.json and model.safetensors into `target`."""
    named = read_checkpoint(backbone) if backbone else None
    converted = recognised(read_checkpoint(source), Given(values=assume, backbone=named))
    config = {"model_type": "wavlm", **converted.shaped.config, "architectures": [converted.family.value]}
    weights = {name: tensor for name, tensor in converted.weights.items() if name not in TRAINING_ONLY}
    try:
        architecture = msgspec.convert(config, Architecture)
    except msgspec.ValidationError as error:
        raise ModelError(f"{source}: {error}. Say it with --assume KEY=VALUE if the file is right") from error
    check_complete(source, weight_shapes(architecture), weights)
    _write_json(target / CONFIG, config)
    _write_json(target / PREPROCESSOR, _preprocessor(converted))
    # cloned: tensors of one storage cannot be written apart
    kept = {name: tensor.clone().contiguous() for name, tensor in weights.items()}
    try:
        safetensors.torch.save_file(kept, target / WEIGHTS[0], metadata={"format": "pt"})
    except safetensors.SafetensorError as error:
        raise ModelError(f"cannot write {target}: {error}; make room, or choose another place") from error
    return Card(
        family=converted.family,
        assumed=converted.shaped.assumed,
        left_aside=tuple(name for name in converted.left_aside if not name.endswith(_SILENT)),
    )


def _preprocessor(converted: Converted) -> dict[str, Any]:
    return {
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
        "do_normalize": converted.shaped.normalise,
        "normalize_epsilon": converted.shaped.epsilon,
        "sampling_rate": RATE,
    }


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
