"""The shape of a WavLM: from Microsoft's settings, from config.json, or from the weights themselves."""

from __future__ import annotations

import ast
import re
from typing import Any

from earwitnessd.engines.families.converted import (
    LAYER_NORM_EPSILON,
    TRANSFORMERS_EPSILON,
    Found,
    Given,
    Settings,
    Shaped,
    Tensors,
)
from earwitnessd.engines.layout import DIRECTIONS, LENGTHS
from earwitnessd.models.model import ModelError

STRIDES = (5, 2, 2, 2, 2, 2, 2)
FURTHEST = 800  # of every WavLM that Microsoft published

_ACTIVATIONS = {"gelu": "gelu", "relu": "relu", "tanh": "tanh", "linear": "linear", "swish": "swish"}
_ACTIVATIONS |= {"gelu_fast": "gelu_new", "gelu_accurate": "gelu_new"}
NORMALISE = "do_normalize"


def shaped(found: Found, weights: Tensors, given: Given, *, microsoft: bool) -> Shaped:
    """Of a network whose weights have transformers' names; what the user says stands above everything."""
    settings = found.settings or (given.backbone.settings if given.backbone else None)
    if found.config is not None:
        shape = _by_config(found.config, found.preprocessor)
    elif microsoft and settings is not None:
        shape = _by_settings(settings)
    else:
        shape = _by_weights(weights, LAYER_NORM_EPSILON if microsoft else TRANSFORMERS_EPSILON)
    return _corrected(shape, given)


def _corrected(shape: Shaped, given: Given) -> Shaped:
    said = dict(given.values)
    normalise = said.pop(NORMALISE, shape.normalise)
    if not isinstance(normalise, bool):
        raise ModelError(f"{NORMALISE} = {normalise!r}: expected true or false")
    return Shaped(
        config={**shape.config, **said},
        normalise=normalise,
        epsilon=shape.epsilon,
        assumed=tuple(each for each in shape.assumed if each.partition(" ")[0] not in given.values),
    )


def _by_config(config: Settings, preprocessor: Settings | None) -> Shaped:
    kept = {name: value for name, value in config.items() if name != "architectures"}
    if preprocessor is not None:
        normalise = preprocessor.get(NORMALISE, True)
        if preprocessor.get("sampling_rate", 16_000) != 16_000:
            raise ModelError(f"sampling_rate is {preprocessor['sampling_rate']}, expected 16000 Hz")
        epsilon = preprocessor.get("normalize_epsilon", TRANSFORMERS_EPSILON)
        return Shaped(config=kept, normalise=normalise, epsilon=epsilon)
    normalise = config.get("feat_extract_norm") == "layer"
    return Shaped(
        config=kept,
        normalise=normalise,
        epsilon=TRANSFORMERS_EPSILON,
        assumed=(_says(NORMALISE, normalise),),
    )


def _by_settings(cfg: Settings) -> Shaped:
    """What Microsoft's WavLMConfig says; keys that are absent have its defaults."""
    activation = cfg.get("activation_fn", "gelu")
    if activation not in _ACTIVATIONS:
        raise ModelError(f'cfg: activation_fn is "{activation}": expected {", ".join(_ACTIVATIONS)}')
    convolutions = _convolutions(
        cfg.get("conv_feature_layers", "[(512,10,5)] + [(512,3,2)] * 4 + [(512,2,2)] * 2")
    )
    config = {
        "hidden_size": cfg.get("encoder_embed_dim", 768),
        "num_hidden_layers": cfg.get("encoder_layers", 12),
        "num_attention_heads": cfg.get("encoder_attention_heads", 12),
        "intermediate_size": cfg.get("encoder_ffn_embed_dim", 3072),
        "hidden_act": _ACTIVATIONS[activation],
        "feat_extract_norm": "layer" if cfg.get("extractor_mode") == "layer_norm" else "group",
        "conv_dim": [dim for dim, _, _ in convolutions],
        "conv_kernel": [kernel for _, kernel, _ in convolutions],
        "conv_stride": [stride for _, _, stride in convolutions],
        "conv_bias": cfg.get("conv_bias", False),
        "num_conv_pos_embeddings": cfg.get("conv_pos", 128),
        "num_conv_pos_embedding_groups": cfg.get("conv_pos_groups", 16),
        "num_buckets": cfg.get("num_buckets", 320),
        "max_bucket_distance": cfg.get("max_distance", 1280),
        "do_stable_layer_norm": cfg.get("layer_norm_first", False),
    }
    return Shaped(config=config, normalise=bool(cfg.get("normalize", False)), epsilon=LAYER_NORM_EPSILON)


def _by_weights(weights: Tensors, epsilon: float) -> Shaped:
    convolutions = _numbered(weights, r"wavlm\.feature_extractor\.conv_layers\.(\d+)\.conv\.weight")
    layers = _numbered(weights, r"wavlm\.encoder\.layers\.(\d+)\.attention\.q_proj\.weight")
    name = "wavlm.feature_extractor.conv_layers"
    norm = "layer" if f"{name}.1.layer_norm.weight" in weights else "group"
    hidden = weights["wavlm.encoder.layer_norm.weight"].shape[0]
    stable = norm == "layer"
    strides = _strides(convolutions)
    config = {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "feat_extract_norm": norm,
        "conv_dim": [weights[f"{name}.{each}.conv.weight"].shape[0] for each in range(convolutions)],
        "conv_kernel": [weights[f"{name}.{each}.conv.weight"].shape[2] for each in range(convolutions)],
        "conv_stride": list(strides),
        "conv_bias": f"{name}.0.conv.bias" in weights,
        "num_conv_pos_embeddings": weights[LENGTHS].shape[2],
        "num_conv_pos_embedding_groups": hidden // weights[DIRECTIONS].shape[1],
        "max_bucket_distance": FURTHEST,
        "do_stable_layer_norm": stable,
        "use_weighted_layer_sum": "layer_weights" in weights,
        **(_attention(weights) if layers else {}),
    }
    assumed = {
        "conv_stride": list(strides),
        "max_bucket_distance": FURTHEST,
        "do_stable_layer_norm": stable,
        NORMALISE: stable,
    }
    return Shaped(
        config=config,
        normalise=stable,
        epsilon=epsilon,
        assumed=tuple(_says(key, value) for key, value in assumed.items()),
    )


def _attention(weights: Tensors) -> Settings:
    layer = "wavlm.encoder.layers.0"
    buckets, heads = weights[f"{layer}.attention.rel_attn_embed.weight"].shape
    return {
        "num_attention_heads": heads,
        "num_buckets": buckets,
        "intermediate_size": weights[f"{layer}.feed_forward.intermediate_dense.weight"].shape[0],
    }


def _strides(count: int) -> tuple[int, ...]:
    """The usual ones; of a shorter stack those it begins with."""
    if not 0 < count <= len(STRIDES):
        raise ModelError(
            f"{count} convolutions, expected 1 to {len(STRIDES)}: their strides are not in the file; "
            "say them with --assume conv_stride=[5,2,…]"
        )
    return STRIDES[:count]


def _convolutions(said: str) -> list[tuple[int, int, int]]:
    """Of an expression such as `[(512,10,5)] + [(512,3,2)] * 4`, which is never run."""
    try:
        found = _value(ast.parse(said, mode="eval").body)
        return [(int(dim), int(kernel), int(stride)) for dim, kernel, stride in found]
    except (SyntaxError, ValueError, TypeError) as error:
        raise ModelError(
            f"cfg: conv_feature_layers is {said!r}: expected lists of (channels, kernel, stride)"
        ) from error


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _value(node.left) + _value(node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _value(node.left) * _value(node.right)
    return ast.literal_eval(node)


def _numbered(weights: Tensors, pattern: str) -> int:
    found = [int(match[1]) for name in weights if (match := re.fullmatch(pattern, name))]
    return max(found) + 1 if found else 0


def _says(key: str, value: object) -> str:
    return f"{key} = {str(value).lower() if isinstance(value, bool) else value}"
