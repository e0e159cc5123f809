"""Weights from a file into a network: every one of them, or a refusal that names the rest."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError

import safetensors
import safetensors.torch
import torch

from earwitnessd.engines.architecture import Architecture, read_architecture
from earwitnessd.engines.heads.shapes import Shape
from earwitnessd.engines.layout import weight_shapes
from earwitnessd.engines.network import Network
from earwitnessd.models import ModelError
from earwitnessd.models.families import Family
from earwitnessd.models.verify import CONFIG, check_files

Tensors = dict[str, torch.Tensor]

# Used in training alone: the loss over training speakers, and the embedding that hides masked frames.
# They may be absent or left over, of any shape, without changing what the model hears.
TRAINING_ONLY = frozenset({"objective.weight", "wavlm.masked_spec_embed"})

# Checkpoints written before torch 2.0 name the two factors of a weight-normed convolution differently.
_OLD_SUFFIXES = {
    ".weight_g": ".parametrizations.weight.original0",
    ".weight_v": ".parametrizations.weight.original1",
}
_BELOW_A_HEAD = "wavlm."
_SHOWN_NAMES = 8


def load(directory: Path) -> Network:
    """The model of a directory in float32, ready to compute."""
    architecture, tensors = _complete(directory)
    # copied: the file may be mapped, badly aligned, and replaced while we run
    weights = {name: tensor.to(torch.float32, copy=True) for name, tensor in tensors.items()}
    return Network(architecture, weights).eval()


def convert(source: Path, target: Path) -> None:
    """Write a directory's weights as safetensors in today's layout, after checking that all are there."""
    _, tensors = _complete(source)
    # cloned: tensors of one storage cannot be written apart
    kept = {name: tensor.clone().contiguous() for name, tensor in tensors.items()}
    try:
        safetensors.torch.save_file(kept, target, metadata={"format": "pt"})
    except safetensors.SafetensorError as error:
        raise ModelError(f"cannot write {target}: {error}; make room, or choose another place") from error


def read_weights(path: Path) -> Tensors:
    """All tensors of a checkpoint, under today's names."""
    try:
        if path.suffix == ".safetensors":
            tensors: Tensors = safetensors.torch.load_file(path)
        else:
            tensors = torch.load(path, map_location="cpu", weights_only=True)
    except (
        OSError,
        RuntimeError,
        ValueError,
        EOFError,
        UnpicklingError,
        safetensors.SafetensorError,
    ) as error:
        raise ModelError(f"{path}: cannot be read as a checkpoint ({error}); pull the model again") from error
    return {todays_name(name): tensor for name, tensor in tensors.items()}


def todays_name(name: str) -> str:
    """What a weight of this name is called since torch 2.0."""
    for old, new in _OLD_SUFFIXES.items():
        if name.endswith(f"pos_conv_embed.conv{old}"):
            return name.removesuffix(old) + new
    return name


def _complete(directory: Path) -> tuple[Architecture, Tensors]:
    """The architecture and all of its weights, without what only training needs."""
    tensors = read_weights(directory / check_files(directory))
    architecture = read_architecture(directory)
    if architecture.family is Family.BACKBONE:
        tensors = under_wavlm(tensors)
    check_complete(directory, weight_shapes(architecture), tensors)
    return architecture, {name: tensor for name, tensor in tensors.items() if name not in TRAINING_ONLY}


def under_wavlm(tensors: Tensors) -> Tensors:
    """A bare WavLM's weights by the names that they have below a head."""
    if any(name.startswith(_BELOW_A_HEAD) for name in tensors):
        return tensors
    return {f"{_BELOW_A_HEAD}{name}": tensor for name, tensor in tensors.items()}


def check_complete(directory: Path, wanted: dict[str, Shape], tensors: Tensors) -> None:
    """Every weight that is wanted is there in its shape, and no other."""
    missing = sorted(wanted.keys() - tensors.keys())
    left_over = sorted(tensors.keys() - wanted.keys() - TRAINING_ONLY)
    misshapen = sorted(
        f"{name} is {tuple(tensors[name].shape)}, expected {shape}"
        for name, shape in wanted.items()
        if name in tensors and tensors[name].shape != shape
    )
    complaints = [
        f"{what}: {_shortened(names)}"
        for what, names in (("missing", missing), ("left over", left_over), ("of another shape", misshapen))
        if names
    ]
    if complaints:
        raise ModelError(
            f"{directory}: the weights do not fit {CONFIG}; {'; '.join(complaints)}. "
            "Part of the model would be random: use a complete checkpoint of this family, or pull again"
        )


def _shortened(names: list[str]) -> str:
    more = len(names) - _SHOWN_NAMES
    return ", ".join(names[:_SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")
