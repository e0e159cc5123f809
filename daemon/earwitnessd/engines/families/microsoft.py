"""Microsoft's original WavLM, of microsoft/unilm: {"cfg": …, "model": …}."""

from __future__ import annotations

from earwitnessd.engines.families.converted import Converted, Found, Given
from earwitnessd.engines.families.naming import by_transformers
from earwitnessd.engines.families.shaping import shaped
from earwitnessd.models.families import Family

SIGNS = (
    "encoder.pos_conv.0.bias",
    "encoder.layers.0.self_attn.relative_attention_bias.weight",
    "encoder.layer_norm.weight",
)


def lacks(found: Found) -> tuple[str, ...]:
    """What a checkpoint of this family has and this one has not."""
    return tuple(name for name in SIGNS if name not in found.weights)


def convert(found: Found, given: Given) -> Converted:
    """Under transformers' names."""
    weights, others = by_transformers(found.weights)
    return Converted(
        family=Family.BACKBONE,
        shaped=shaped(found, weights, given, microsoft=True),
        weights=weights,
        left_aside=others,
    )
