"""From a model's name in the settings to its verified directory; nothing is ever downloaded here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from earwitnessd.models.model import Model, ModelError
from earwitnessd.models.places import (
    BUILTIN,
    BUILTIN_DIRECTORY,
    hub_cache_snapshot,
    is_hub_name,
    is_plain_name,
    pulled_directory,
)
from earwitnessd.models.record import RECORD
from earwitnessd.models.verify import verified_model


def open_model(name: str, environ: Mapping[str, str] = os.environ) -> Model:
    """Find "builtin", a pulled or cached hub model, or a local directory, and verify its files."""
    if name == BUILTIN:
        if not BUILTIN_DIRECTORY.is_dir():
            raise ModelError(
                f"the built-in model is missing from this installation ({BUILTIN_DIRECTORY}): "
                "install earwitness again, or set another model"
            )
        return verified_model(BUILTIN_DIRECTORY, BUILTIN)
    if is_hub_name(name):
        directory = _on_this_machine(name, environ)
        if directory is not None:
            return verified_model(directory, name)
    imported = pulled_directory(name, environ)
    if is_plain_name(name) and (imported / RECORD).is_file():
        return verified_model(imported, name)
    directory = Path(name).expanduser()
    if directory.is_dir():
        return verified_model(directory, directory.resolve().name)
    if is_hub_name(name):
        raise ModelError(not_pulled(name, environ))
    raise ModelError(
        f'model "{name}": no such directory, not imported, and not a hub name (org/name). '
        f'Use "{BUILTIN}", a directory, or a name like microsoft/wavlm-base-plus-sv'
    )


def not_pulled(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """What to do about a hub model that is not on this machine."""
    return (
        f'model "{name}" is not on this machine (looked in {pulled_directory(name, environ)} and in the '
        "Hugging Face cache). Fetch it with\n"
        f"    earwitnessd model pull {name}\n{on_another_machine(name, environ)}"
    )


def on_another_machine(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """How to bring a model to a machine without a network."""
    folder = name.rpartition("/")[2]
    return (
        "If this machine cannot reach the hub, run on one that can\n"
        f"    earwitnessd model pull {name} --to {folder}\n"
        f"and copy the folder {folder} here as {pulled_directory(name, environ)}"
    )


def _on_this_machine(name: str, environ: Mapping[str, str]) -> Path | None:
    pulled = pulled_directory(name, environ)
    return pulled if pulled.is_dir() else hub_cache_snapshot(name, environ)
