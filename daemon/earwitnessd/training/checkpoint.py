"""Write and read the whole state of a run, so that it goes on exactly where it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import torch

from earwitnessd.training.errors import TrainingError
from earwitnessd.training.settings import AugmentationSettings, TrainSettings

NAME = "checkpoint.pt"


def save(directory: Path, settings: TrainSettings, state: dict[str, Any]) -> None:
    """Replace the checkpoint; a crash while writing leaves the old one."""
    directory.mkdir(parents=True, exist_ok=True)
    partial = directory / f"{NAME}.partial"
    torch.save({**state, "recipe": _recipe(settings)}, partial)
    partial.replace(directory / NAME)


def load(directory: Path, settings: TrainSettings) -> dict[str, Any] | None:
    """The state of an earlier run of the same recipe, if there is one."""
    path = directory / NAME
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if state["recipe"] != _recipe(settings):
        raise TrainingError(f"{path}: made by another recipe; give another --output or remove it")
    return state


def _recipe(settings: TrainSettings) -> str:
    """All that must not change between stop and resume; how long to go on and how to degrade crops may."""
    limits = msgspec.structs.replace(settings.schedule, max_steps=0, max_minutes=0.0)
    kept = msgspec.structs.replace(settings, schedule=limits, augmentation=AugmentationSettings())
    return msgspec.json.encode(kept).decode()
