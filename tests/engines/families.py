"""Small networks of every kind of configuration there is, whose embeddings differ from audio to audio."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import WavLMConfig, WavLMForXVector

SMALL: dict[str, Any] = {
    "hidden_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "conv_dim": [32, 32, 48],
    "conv_kernel": [10, 8, 3],
    "conv_stride": [5, 8, 4],
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "num_buckets": 32,
    "max_bucket_distance": 60,
    "tdnn_dim": [40, 40, 64],
    "tdnn_kernel": [5, 3, 1],
    "tdnn_dilation": [1, 2, 1],
    "xvector_output_dim": 32,
    "architectures": ["WavLMForXVector"],
}

FAMILIES: dict[str, dict[str, Any]] = {
    "base": {"feat_extract_norm": "group", "do_stable_layer_norm": False},
    "base-weighted": {"feat_extract_norm": "group", "use_weighted_layer_sum": True},
    "large": {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True},
    "large-weighted": {
        "feat_extract_norm": "layer",
        "do_stable_layer_norm": True,
        "use_weighted_layer_sum": True,
    },
    "large-weighted-after-the-norm": {
        "feat_extract_norm": "layer",
        "do_stable_layer_norm": True,
        "use_weighted_layer_sum": True,
        "tie_last_hidden_states": True,
    },
    "group-and-stable": {"feat_extract_norm": "group", "do_stable_layer_norm": True, "conv_bias": True},
    "layer-and-not-stable": {"feat_extract_norm": "layer", "use_weighted_layer_sum": True},
    "long-first-filters": {"conv_kernel": [200, 5, 3], "conv_stride": [80, 2, 2]},
    "like-the-built-in": {
        "conv_dim": [30, 32, 36],
        "conv_kernel": [400, 5, 3],
        "conv_stride": [160, 2, 2],
        "feat_extract_norm": "layer",
        "do_stable_layer_norm": True,
        "conv_bias": True,
        "num_hidden_layers": 1,
    },
    "odd": {
        "hidden_size": 42,
        "num_attention_heads": 3,
        "num_conv_pos_embeddings": 7,
        "num_conv_pos_embedding_groups": 2,
        "conv_dim": [17],
        "conv_kernel": [33],
        "conv_stride": [160],
        "tdnn_dim": [13, 29],
        "tdnn_kernel": [2, 4],
        "tdnn_dilation": [3, 5],
        "layer_norm_eps": 1e-3,
    },
    "no-layers": {"num_hidden_layers": 0},
    "other-activations": {"hidden_act": "gelu_new", "feat_extract_activation": "relu"},
    "plain-activations": {"hidden_act": "swish", "feat_extract_activation": "quick_gelu"},
    # nothing said of these: transformers' defaults
    "defaults": {
        "num_buckets": None,
        "max_bucket_distance": None,
        "tdnn_kernel": None,
        "tdnn_dilation": None,
        "tdnn_dim": None,
    },
}


def config_of(family: str) -> dict[str, Any]:
    """What stands in config.json."""
    merged = {**SMALL, **FAMILIES[family]}
    return {key: value for key, value in merged.items() if value is not None}


def network(config: dict[str, Any], seed: int = 3) -> WavLMForXVector:
    """Random weights, every kind of them large enough to be heard in the embedding."""
    torch.manual_seed(seed)
    made = WavLMForXVector(WavLMConfig(**config)).eval()
    with torch.no_grad():
        for name, weight in made.named_parameters():
            _randomise(name, weight)
        # what all audio has in common is mostly taken away, as training would
        noise = torch.randn(8, 1, 24_000)
        coloured = torch.nn.functional.conv1d(noise.transpose(0, 1), torch.randn(8, 1, 9), groups=8)[0]
        made.feature_extractor.bias -= 0.6 * made(coloured).embeddings.mean(dim=0)
    return made


def _randomise(name: str, weight: torch.Tensor) -> None:
    if "rel_attn_embed" in name or "layer_weights" in name:
        weight.normal_(0.0, 1.0)
    elif "gru_rel_pos_const" in name:
        weight.normal_(1.0, 0.5)
    elif "original0" in name:
        weight.uniform_(0.5, 1.5)
    elif "norm" in name and name.endswith("weight"):
        weight.normal_(1.0, 0.2)
    elif name.endswith("bias"):
        weight.normal_(0.0, 0.1)
    elif "original1" in name or weight.ndim == 1:
        weight.normal_(0.0, 1.0)
    else:
        wide = 2.0 if "q_proj" in name or "k_proj" in name else 1.2
        weight.normal_(0.0, wide / weight[0].numel() ** 0.5)


def write_config(directory: Path, config: dict[str, Any]) -> None:
    """config.json alone."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps({"model_type": "wavlm", **config}))


def write(directory: Path, config: dict[str, Any], made: WavLMForXVector) -> Path:
    """A whole model directory."""
    write_config(directory, config)
    (directory / "preprocessor_config.json").write_text('{"do_normalize": false, "sampling_rate": 16000}')
    tensors = {name: tensor.detach().clone() for name, tensor in made.state_dict().items()}
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    return directory
