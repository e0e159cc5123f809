"""The weights that a model of a given architecture has, by name and shape."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from earwitnessd.engines.architecture import Architecture
from earwitnessd.engines.heads import HEADS
from earwitnessd.engines.heads.shapes import Shape, dense, norm

POSITIONAL = "wavlm.encoder.pos_conv_embed.conv"
# the two factors of its weight: a length for each tap, and directions
LENGTHS = f"{POSITIONAL}.parametrizations.weight.original0"
DIRECTIONS = f"{POSITIONAL}.parametrizations.weight.original1"


def weight_shapes(architecture: Architecture) -> dict[str, Shape]:
    """Every weight that a complete checkpoint holds, but those that only training needs."""
    head = HEADS[architecture.family].shapes(architecture)
    return dict([*_features(architecture), *_positional(architecture), *_layers(architecture), *head])


def _features(a: Architecture) -> Iterator[tuple[str, Shape]]:
    for number, (inputs, outputs) in enumerate(pairwise((1, *a.conv_dim))):
        name = f"wavlm.feature_extractor.conv_layers.{number}"
        yield f"{name}.conv.weight", (outputs, inputs, a.conv_kernel[number])
        if a.conv_bias:
            yield f"{name}.conv.bias", (outputs,)
        if a.feat_extract_norm == "layer" or number == 0:
            yield from norm(f"{name}.layer_norm", outputs)
    yield from norm("wavlm.feature_projection.layer_norm", a.conv_dim[-1])
    yield from dense("wavlm.feature_projection.projection", a.conv_dim[-1], a.hidden_size)


def _positional(a: Architecture) -> Iterator[tuple[str, Shape]]:
    yield f"{POSITIONAL}.bias", (a.hidden_size,)
    yield LENGTHS, (1, 1, a.num_conv_pos_embeddings)
    grouped = a.hidden_size // a.num_conv_pos_embedding_groups
    yield DIRECTIONS, (a.hidden_size, grouped, a.num_conv_pos_embeddings)


def _layers(a: Architecture) -> Iterator[tuple[str, Shape]]:
    yield from norm("wavlm.encoder.layer_norm", a.hidden_size)
    for number in range(a.num_hidden_layers):
        name = f"wavlm.encoder.layers.{number}"
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            yield from dense(f"{name}.attention.{part}", a.hidden_size, a.hidden_size)
        yield f"{name}.attention.gru_rel_pos_const", (1, a.num_attention_heads, 1, 1)
        yield from dense(f"{name}.attention.gru_rel_pos_linear", a.head_size, 8)
        if number == 0:
            yield f"{name}.attention.rel_attn_embed.weight", (a.num_buckets, a.num_attention_heads)
        yield from norm(f"{name}.layer_norm", a.hidden_size)
        yield from dense(f"{name}.feed_forward.intermediate_dense", a.hidden_size, a.intermediate_size)
        yield from dense(f"{name}.feed_forward.output_dense", a.intermediate_size, a.hidden_size)
        yield from norm(f"{name}.final_layer_norm", a.hidden_size)
    if a.use_weighted_layer_sum:
        yield "layer_weights", (a.num_hidden_layers + 1,)
