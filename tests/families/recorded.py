"""Checkpoints of families whose reference is not at hand, and what the reference made of some audio.

`recorded.json` holds the names and shapes of a small model's weights as the reference has them, and its
outputs. The weights themselves follow from their names: what is recorded was computed with these.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

_FILE = Path(__file__).parent / "recorded.json"
Array = npt.NDArray[np.float32]

TWO_WAVES, SAMPLES = 2, 24_000


@dataclass(frozen=True, eq=False, slots=True)
class Recorded:
    """One model."""

    container: str
    # the key that its checkpoints hold the weights under
    cfg: dict[str, Any] | None
    shapes: dict[str, tuple[int, ...]]
    fixed: dict[str, list[float]]
    # weights that do not follow from their names
    expected: Array
    # of `audio()`

    def checkpoint(self) -> dict[str, Any]:
        """What the reference would have saved."""
        whole: dict[str, Any] = {self.container: weights_of(self.shapes, self.fixed)}
        return {"cfg": self.cfg, **whole} if self.cfg else whole

    def write(self, path: Path) -> Path:
        """As a file of torch."""
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(self.checkpoint(), path)
        return path


def recorded(name: str) -> Recorded:
    """One of `NAMES`."""
    content = json.loads(_FILE.read_text())
    found, parts = content["models"][name], content["parts"]
    shapes = {
        f"{prefix}{key}": tuple(shape)
        for prefix, part in found["parts"]
        for key, shape in parts[part].items()
    }
    counters = {
        key.replace("running_var", "num_batches_tracked"): () for key in shapes if "running_var" in key
    }
    return Recorded(
        container=found["container"],
        cfg=found["cfg"],
        shapes={**shapes, **counters},
        fixed=found["fixed"],
        expected=np.array(found["expected"], np.float32),
    )


NAMES = ("microsoft-base", "microsoft-large", "ecapa-base", "ecapa-large", "rawnet")


def audio() -> Array:
    """Two recordings of different colour and level."""
    noise = _uniform("audio", (TWO_WAVES, SAMPLES + 1)).astype(np.float64)
    first, second = noise[0, 1:] + 0.9 * noise[0, :-1], noise[1, 1:] - 0.5 * noise[1, :-1]
    return np.stack([0.02 * first, 0.2 * second]).astype(np.float32)


def weights_of(
    shapes: dict[str, tuple[int, ...]], fixed: dict[str, list[float]] | None = None
) -> dict[str, torch.Tensor]:
    """Every kind of them large enough to be heard in the embedding."""
    made = {name: torch.from_numpy(_weight(name, shape)) for name, shape in shapes.items()}
    return {**made, **{name: torch.tensor(values) for name, values in (fixed or {}).items()}}


def _weight(name: str, shape: tuple[int, ...]) -> Array:
    values = _uniform(name, shape)
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.float32)
    if name.endswith("running_var") or "weight_g" in name or "original0" in name:
        return 1.0 + 0.3 * values
    if "grep_a" in name or "gru_rel_pos_const" in name:
        return 1.0 + 0.5 * values
    if ("norm" in name or ".bn" in name or name.startswith("bn")) and name.endswith("weight"):
        return 1.0 + 0.2 * values
    if name.endswith(("bias", "running_mean")):
        return 0.1 * values
    if len(shape) < 2 or "relative_attention_bias" in name or "rel_attn_embed" in name or "weight_v" in name:
        return values
    return values * np.float32(1.2 / np.sqrt(np.prod(shape[1:])))


def _uniform(name: str, shape: tuple[int, ...]) -> Array:
    """Variance 1; a generator's plain numbers, which are the same in every version of numpy."""
    numbers = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode()))).random(shape)
    return np.asarray((numbers - 0.5) * np.sqrt(12.0), np.float32)
