"""Whether a directory holds a model we can use, unchanged since it was recorded."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from earwitnessd.models.families import Family, family_of
from earwitnessd.models.model import RATE, Model, ModelError
from earwitnessd.models.record import (
    KNOWN,
    RECORD,
    UNKNOWN_LICENCE,
    Record,
    read_record,
    recorded_hashes,
    sha256_of,
)

CONFIG = "config.json"
PREPROCESSOR = "preprocessor_config.json"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
EPSILON = 1e-7  # of transformers' feature extractor; a converted model states its own


def verified_model(directory: Path, name: str) -> Model:
    """Check a model's files, settings and hashes; `name` is used where the record states none."""
    weights = directory / check_files(directory)
    family = check_config(directory)
    normalise = read_normalise(directory)
    record = read_record(directory)
    hashes = {file: sha256_of(directory / file) for file in (weights.name, CONFIG, PREPROCESSOR)}
    _check_hashes(directory, record, hashes, weights.name)
    called = record.name or name
    # a snapshot in the hub's cache has no record of its own
    known = KNOWN.get(name, Record())
    return Model(
        name=called,
        model_id=f"{called}@{identity(hashes, weights.name)}",
        directory=directory,
        weights=weights,
        normalise=normalise,
        normalise_epsilon=_read_epsilon(directory),
        family=family,
        threshold=known.threshold if record.threshold is None else record.threshold,
        licence=record.licence or known.licence or UNKNOWN_LICENCE,
        revision=record.revision,
    )


def check_files(directory: Path) -> str:
    """Every file that a model needs is there; returns the name of its weights."""
    weights = next((name for name in WEIGHTS if (directory / name).is_file()), None)
    missing = [name for name in (CONFIG, PREPROCESSOR) if not (directory / name).is_file()]
    if weights is None:
        missing.append(" or ".join(WEIGHTS))
    if weights is None or missing:
        found = ", ".join(sorted(path.name for path in directory.iterdir())) or "nothing"
        raise ModelError(
            f"{directory} is not a complete model: {', '.join(missing)} missing (found: {found}). "
            f"A model directory holds {CONFIG}, {PREPROCESSOR} and {WEIGHTS[0]}; pull the model again"
        )
    return weights


def check_config(directory: Path) -> Family:
    """The architecture is one that our engines compute."""
    config = _read_json(directory / CONFIG)
    found = config.get("architectures") or [f"model_type {config.get('model_type')!r}, no architectures"]
    family = family_of(found)
    if family is None:
        raise ModelError(
            f"{directory / CONFIG}: architecture is {', '.join(map(str, found))}, expected "
            f"{', '.join(Family)}: choose a WavLM model such as microsoft/wavlm-base-plus-sv"
        )
    return family


def read_normalise(directory: Path) -> bool:
    """Whether the model wants normalised audio; its rate must be ours."""
    path = directory / PREPROCESSOR
    preprocessor = _read_json(path)
    rate = preprocessor.get("sampling_rate", RATE)
    if rate != RATE:
        raise ModelError(
            f"{path}: sampling_rate is {rate}, expected {RATE} Hz: choose a model made for {RATE} Hz audio"
        )
    normalise = preprocessor.get("do_normalize", True)
    if not isinstance(normalise, bool):
        raise ModelError(f"{path}: do_normalize is {normalise!r}, expected true or false")
    return normalise


def _read_epsilon(directory: Path) -> float:
    epsilon = _read_json(directory / PREPROCESSOR).get("normalize_epsilon", EPSILON)
    if not isinstance(epsilon, float) or not epsilon > 0:
        raise ModelError(
            f"{directory / PREPROCESSOR}: normalize_epsilon is {epsilon!r}, expected a number above 0"
        )
    return epsilon


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise ModelError(f"{path}: not JSON ({error}); pull the model again") from error
    if not isinstance(content, dict):
        raise ModelError(
            f"{path}: holds a {type(content).__name__}, expected an object; pull the model again"
        )
    return content


def _check_hashes(directory: Path, record: Record, hashes: dict[str, str], weights_name: str) -> None:
    stated = recorded_hashes(record, weights_name)
    if stated and weights_name not in stated:
        raise ModelError(
            f"{directory / weights_name} is not among the files recorded in {RECORD} "
            f"({', '.join(stated)}): pull the model again"
        )
    for file, found in hashes.items():
        recorded = stated.get(file, found)
        if found != recorded.lower():
            raise ModelError(
                f"{directory / file}: SHA-256 is {found}, recorded was {recorded}. The file was changed or "
                "damaged since the model was recorded; pull the model again (or restore it from your copy)"
            )


def identity(hashes: dict[str, str], weights_name: str) -> str:
    """What a model's id holds of its files' hashes."""
    parts = (hashes[weights_name], hashes[CONFIG], hashes[PREPROCESSOR])
    return hashlib.sha256("\n".join(parts).encode("ascii")).hexdigest()[:12]
