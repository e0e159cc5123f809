"""Tiny model directories with random weights, in the layouts that are met in the wild."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import WavLMConfig, WavLMForXVector

OLD_SUFFIXES = {
    ".parametrizations.weight.original0": ".weight_g",
    ".parametrizations.weight.original1": ".weight_v",
}
TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": [16, 16],
    "conv_kernel": [40, 16],
    "conv_stride": [20, 8],
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
    "tdnn_dim": [24, 24, 48],
    "tdnn_kernel": [5, 3, 1],
    "tdnn_dilation": [1, 2, 1],
    "xvector_output_dim": 24,
    "use_weighted_layer_sum": True,
    "architectures": ["WavLMForXVector"],
}


def network(seed: int = 1) -> WavLMForXVector:
    """Random weights, nearly centred so that different audio gives clearly different embeddings."""
    torch.manual_seed(seed)
    made = WavLMForXVector(WavLMConfig(**TINY)).eval()
    noise = torch.randn(8, 1, 16_000)
    coloured = torch.nn.functional.conv1d(noise.transpose(0, 1), torch.randn(8, 1, 9), groups=8)[0]
    with torch.no_grad():
        for name, weight in made.named_parameters():
            if "pos_conv_embed" not in name and "norm" not in name:
                weight.normal_(0.0, 0.15)
        # not wholly centred: rounding would grow with it
        made.feature_extractor.bias -= 0.8 * made(coloured).embeddings.mean(dim=0)
    return made


def old_names(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The names that torch gave before 2.0."""
    for new, old in OLD_SUFFIXES.items():
        tensors = {name.replace(new, old): tensor for name, tensor in tensors.items()}
    return tensors


def write_settings(directory: Path, *, normalise: bool = False, rate: int = 16_000) -> None:
    """config.json and preprocessor_config.json."""
    directory.mkdir(parents=True, exist_ok=True)
    config = {"model_type": "wavlm", **TINY}
    (directory / "config.json").write_text(json.dumps(config))
    preprocessor = {
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
        "do_normalize": normalise,
        "feature_size": 1,
        "padding_side": "right",
        "padding_value": 0.0,
        "return_attention_mask": False,
        "sampling_rate": rate,
    }
    (directory / "preprocessor_config.json").write_text(json.dumps(preprocessor))


def write_model(
    directory: Path,
    *,
    normalise: bool = False,
    rate: int = 16_000,
    seed: int = 1,
    old_style: bool = False,
    pickled: bool = False,
    half: bool = False,
) -> Path:
    """A whole model directory."""
    write_settings(directory, normalise=normalise, rate=rate)
    tensors = {name: tensor.detach().clone() for name, tensor in network(seed).state_dict().items()}
    if old_style:
        tensors = old_names(tensors)
    if half:
        tensors = {name: tensor.half() for name, tensor in tensors.items()}
    if pickled:
        torch.save(tensors, directory / "pytorch_model.bin")
    else:
        save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    return directory
