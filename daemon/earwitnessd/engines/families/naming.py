"""Names that Microsoft's WavLM gives its weights, as transformers calls them."""

from __future__ import annotations

import re

import torch

from earwitnessd.engines.checkpoint import todays_name
from earwitnessd.engines.families.converted import Tensors
from earwitnessd.models.model import ModelError

_CONV = r"feature_extractor\.conv_layers\.(\d+)"
_LAYER = r"encoder\.layers\.(\d+)"
_NAMES = tuple(
    (re.compile(f"{theirs}\\.(weight|bias)"), f"wavlm.{ours}")
    for theirs, ours in {
        rf"{_CONV}\.0": r"feature_extractor.conv_layers.\1.conv.\2",
        rf"{_CONV}\.2(?:\.1)?": r"feature_extractor.conv_layers.\1.layer_norm.\2",
        r"layer_norm": r"feature_projection.layer_norm.\1",
        r"post_extract_proj": r"feature_projection.projection.\1",
        r"encoder\.layer_norm": r"encoder.layer_norm.\1",
        rf"{_LAYER}\.self_attn\.(q|k|v|out)_proj": r"encoder.layers.\1.attention.\2_proj.\3",
        rf"{_LAYER}\.self_attn\.grep_linear": r"encoder.layers.\1.attention.gru_rel_pos_linear.\2",
        rf"{_LAYER}\.self_attn\.relative_attention_bias": r"encoder.layers.\1.attention.rel_attn_embed.\2",
        rf"{_LAYER}\.self_attn_layer_norm": r"encoder.layers.\1.layer_norm.\2",
        rf"{_LAYER}\.fc1": r"encoder.layers.\1.feed_forward.intermediate_dense.\2",
        rf"{_LAYER}\.fc2": r"encoder.layers.\1.feed_forward.output_dense.\2",
        rf"{_LAYER}\.final_layer_norm": r"encoder.layers.\1.final_layer_norm.\2",
    }.items()
)
_POSITIONAL = "encoder.pos_conv.0."
_CERTAIN = 25.0  # four such outputs are added: a sigmoid of 100 is 1 in float32


def by_transformers(weights: Tensors) -> tuple[Tensors, tuple[str, ...]]:
    """The same weights under transformers' names, and what is no part of the network."""
    named, others = dict[str, torch.Tensor](), list[str]()
    for theirs, tensor in weights.items():
        ours = _ours(theirs)
        if ours is None:
            others.append(theirs)
        else:
            named[ours] = tensor
    return _completed(named), tuple(others)


def _ours(theirs: str) -> str | None:
    if theirs.startswith(_POSITIONAL):
        return todays_name(f"wavlm.encoder.pos_conv_embed.conv.{theirs.removeprefix(_POSITIONAL)}")
    if (layer := re.fullmatch(rf"{_LAYER}\.self_attn\.grep_a", theirs)) is not None:
        return f"wavlm.encoder.layers.{layer[1]}.attention.gru_rel_pos_const"
    for pattern, ours in _NAMES:
        if (found := pattern.fullmatch(theirs)) is not None:
            return found.expand(ours)
    return None


def _completed(named: Tensors) -> Tensors:
    """With what transformers always has and Microsoft leaves away: neutral, so nothing changes."""
    completed = dict(named)
    projection = "wavlm.feature_projection.projection"
    norm = named.get("wavlm.feature_projection.layer_norm.weight")
    if norm is not None and f"{projection}.weight" not in named:
        completed[f"{projection}.weight"] = torch.eye(len(norm), dtype=norm.dtype)
        completed[f"{projection}.bias"] = torch.zeros_like(norm)
    for name, weight in named.items():
        layer = name.removesuffix(".q_proj.weight")
        if layer != name and f"{layer}.gru_rel_pos_const" not in named:
            completed.update(_ungated(layer, weight, _heads(named)))
    return completed


def _heads(named: Tensors) -> int:
    bias = named.get("wavlm.encoder.layers.0.attention.rel_attn_embed.weight")
    if bias is None:
        raise ModelError("the number of attention heads cannot be told: no relative_attention_bias is there")
    return bias.shape[1]


def _ungated(layer: str, weight: torch.Tensor, heads: int) -> Tensors:
    """Gates that are 1 whatever is heard."""
    linear = f"{layer}.gru_rel_pos_linear"
    bias = weight.new_zeros(8)
    bias[:4] = _CERTAIN
    return {
        f"{linear}.weight": weight.new_zeros(8, len(weight) // heads),
        f"{linear}.bias": bias,
        f"{layer}.gru_rel_pos_const": weight.new_zeros(1, heads, 1, 1),
    }
