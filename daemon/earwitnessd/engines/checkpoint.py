"""Weights from a file into a WavLMForXVector: every one of them, or a refusal that names the rest."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError

import safetensors
import safetensors.torch
import torch
from transformers import WavLMConfig, WavLMForXVector

from earwitnessd.models import ModelError
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
_SHOWN_NAMES = 8


def load(directory: Path) -> WavLMForXVector:
    """The model of a directory in float32, ready to compute."""
    tensors = read_weights(directory / check_files(directory))
    network = _empty_network(directory / CONFIG)
    _check_complete(directory, network, tensors)
    # copied: the file may be mapped, badly aligned, and replaced while we run
    weights = {
        name: tensor.to(torch.float32, copy=True)
        for name, tensor in tensors.items()
        if name not in TRAINING_ONLY
    }
    for name, expected in network.state_dict().items():
        if name in TRAINING_ONLY:
            weights[name] = torch.zeros(expected.shape)
    network.load_state_dict(weights, strict=True, assign=True)
    torch.nn.utils.parametrize.remove_parametrizations(network.wavlm.encoder.pos_conv_embed.conv, "weight")
    return network.requires_grad_(False).eval()


def convert(source: Path, target: Path) -> None:
    """Write a directory's weights as safetensors in today's layout, after checking that all are there."""
    tensors = read_weights(source / check_files(source))
    _check_complete(source, _empty_network(source / CONFIG), tensors)
    # cloned: tensors of one storage cannot be written apart
    kept = {
        name: tensor.clone().contiguous() for name, tensor in tensors.items() if name not in TRAINING_ONLY
    }
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
    return {_todays_name(name): tensor for name, tensor in tensors.items()}


def _todays_name(name: str) -> str:
    for old, new in _OLD_SUFFIXES.items():
        if name.endswith(f"pos_conv_embed.conv{old}"):
            return name.removesuffix(old) + new
    return name


def _empty_network(config_path: Path) -> WavLMForXVector:
    config = WavLMConfig.from_json_file(str(config_path))
    # without storage: nothing random is ever there to be left in place
    with torch.device("meta"):
        return WavLMForXVector(config)


def _check_complete(directory: Path, network: WavLMForXVector, tensors: Tensors) -> None:
    wanted = {name: tensor.shape for name, tensor in network.state_dict().items()}
    missing = sorted(wanted.keys() - tensors.keys() - TRAINING_ONLY)
    left_over = sorted(tensors.keys() - wanted.keys() - TRAINING_ONLY)
    misshapen = sorted(
        f"{name} is {tuple(tensors[name].shape)}, expected {tuple(shape)}"
        for name, shape in wanted.items()
        if name in tensors and name not in TRAINING_ONLY and tensors[name].shape != shape
    )
    complaints = [
        f"{what}: {_shortened(names)}"
        for what, names in (("missing", missing), ("left over", left_over), ("of another shape", misshapen))
        if names
    ]
    if complaints:
        raise ModelError(
            f"{directory}: the weights do not fit {CONFIG}; {'; '.join(complaints)}. "
            "Part of the model would be random: use a checkpoint saved from a WavLMForXVector, or pull again"
        )


def _shortened(names: list[str]) -> str:
    more = len(names) - _SHOWN_NAMES
    return ", ".join(names[:_SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")
