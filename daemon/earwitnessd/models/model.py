"""A model that was found and verified, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from earwitnessd.models.families import Family

RATE = 16_000  # Hz, the only rate the daemon works at


class ModelError(Exception):
    """A model that cannot be used; the message says what was found, what was expected and what to do."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """Where a model lies and which one it is; loading it is an engine's work."""

    name: str
    # for people: "builtin", "microsoft/wavlm-base-plus-sv", or a directory's name
    model_id: str
    # name@hash of weights and configuration; embeddings of one id are never compared with another's
    directory: Path
    weights: Path
    # inside the directory: model.safetensors or pytorch_model.bin
    normalise: bool
    # whether a window becomes zero-mean and unit-variance before the model hears it
    normalise_epsilon: float = 1e-7
    # added to the variance then; makers differ
    family: Family = Family.XVECTOR
    threshold: float | None
    # cosine that the model's makers suggest; None: they suggest none
    licence: str
    revision: str | None = None
    # commit on the hub; None: not from a hub, or not recorded
