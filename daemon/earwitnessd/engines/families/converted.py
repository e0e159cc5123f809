"""What a family makes of a checkpoint, before it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from earwitnessd.models.families import Family

Tensors = dict[str, Tensor]
Settings = dict[str, Any]

TRANSFORMERS_EPSILON = 1e-7
LAYER_NORM_EPSILON = 1e-5
# what is added to the variance of a waveform: by transformers, and by Microsoft's own code


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class Found:
    """A checkpoint's content."""

    called: str
    # the file or directory, for messages
    weights: Tensors
    settings: Settings | None = None
    # what Microsoft's checkpoints call "cfg"
    config: Settings | None = None
    # config.json that lies beside it
    preprocessor: Settings | None = None
    # preprocessor_config.json that lies beside it


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class Given:
    """What the user says because the file does not."""

    values: Mapping[str, Any] = field(default_factory=dict)
    # keys of config.json, or do_normalize
    backbone: Found | None = None
    # the WavLM that a head was trained on


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class Shaped:
    """Settings of a network, and which of them the file did not say."""

    config: Settings
    normalise: bool
    epsilon: float
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class Converted:
    """A model in our layout."""

    family: Family
    shaped: Shaped
    weights: Tensors
    left_aside: tuple[str, ...] = ()
