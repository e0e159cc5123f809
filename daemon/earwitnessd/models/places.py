"""Where models lie on this machine."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

BUILTIN = "builtin"
BUILTIN_DIRECTORY = Path(__file__).resolve().parent.parent / "builtin"

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def is_hub_name(name: str) -> bool:
    """Whether a name has the form org/name."""
    return _HUB_NAME.fullmatch(name) is not None


def is_plain_name(name: str) -> bool:
    """Whether a name can be that of an imported model."""
    return _PLAIN_NAME.fullmatch(name) is not None and name != BUILTIN


def models_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Where pulled models lie: $EARWITNESS_MODELS, systemd's state directory, or the user's data."""
    if chosen := environ.get("EARWITNESS_MODELS"):
        return Path(chosen).expanduser()
    if state := environ.get("STATE_DIRECTORY"):
        # systemd gives several, separated by colons; the first is ours
        return Path(state.split(":")[0]) / "models"
    data = environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "earwitness" / "models"


def pulled_directory(name: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where `earwitnessd model pull NAME` lays a model."""
    return models_directory(environ) / name


def hub_cache_snapshot(name: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The directory of a model's main revision in the local Hugging Face cache; None: not there."""
    repository = _hub_cache(environ) / f"models--{name.replace('/', '--')}"
    reference = repository / "refs" / "main"
    if not reference.is_file():
        return None
    snapshot = repository / "snapshots" / reference.read_text(encoding="ascii").strip()
    return snapshot if snapshot.is_dir() else None


def _hub_cache(environ: Mapping[str, str]) -> Path:
    if cache := environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(cache).expanduser()
    if home := environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    cache_home = environ.get("XDG_CACHE_HOME")
    return (Path(cache_home) if cache_home else Path.home() / ".cache") / "huggingface" / "hub"
