"""WavLM joined with RawNet, of bunyaminergen/WavLMRawNetXSVBase: {"model_state": …}."""

from __future__ import annotations

import re

from earwitnessd.engines.checkpoint import todays_name
from earwitnessd.engines.families.converted import Converted, Found, Given, Settings, Shaped, Tensors
from earwitnessd.engines.families.shaping import NORMALISE, shaped
from earwitnessd.models.families import Family

_BACKBONE = "wavlm_model."
_RAW = re.compile(r"rawnetx?_model\.")
_SIGNS = (
    f"{_BACKBONE}wavlm.encoder.layers.0.attention.gru_rel_pos_linear.weight",
    "rawnet.sinc_conv.low_hz_",
    "rawnet.pooling_layer.att_conv.weight",
    "rawnet.emb_fc.weight",
    "fusion_fc.weight",
)


def lacks(found: Found) -> tuple[str, ...]:
    """What a checkpoint of this family has and this one has not."""
    weights = _renamed(found.weights)
    return tuple(name.replace("rawnet.", "rawnetx_model.") for name in _SIGNS if name not in weights)


def convert(found: Found, given: Given) -> Converted:
    """The backbone under transformers' names, the head under its own."""
    named = _renamed(found.weights)
    backbone = {
        todays_name(name.removeprefix(_BACKBONE)): tensor
        for name, tensor in named.items()
        if name.startswith(_BACKBONE)
    }
    head = {name: tensor for name, tensor in named.items() if name.startswith(("rawnet.", "fusion_fc."))}
    shape = _never_normalised(shaped(found, backbone, given, microsoft=False), given)
    shape.config.update(rawnet=_shape(head), use_weighted_layer_sum=False)
    left = (name for name in named if not name.startswith((_BACKBONE, "rawnet.", "fusion_fc.")))
    return Converted(family=Family.RAWNET, shaped=shape, weights={**backbone, **head}, left_aside=tuple(left))


def _never_normalised(shape: Shaped, given: Given) -> Shaped:
    """Its code hands the samples over as they are."""
    return Shaped(
        config=shape.config,
        normalise=given.values.get(NORMALISE, False),
        epsilon=shape.epsilon,
        assumed=tuple(each for each in shape.assumed if not each.startswith(NORMALISE)),
    )


def _renamed(weights: Tensors) -> Tensors:
    return {_RAW.sub("rawnet.", name, count=1): tensor for name, tensor in weights.items()}


def _shape(head: Tensors) -> Settings:
    numbers = [
        int(found[1]) for name in head if (found := re.match(r"rawnet\.blocks\.blocks\.(\d+)\.", name))
    ]
    block = "rawnet.blocks.blocks.0"
    squeezed = head.get(f"{block}.se.fc.0.weight")
    return {
        "channels": head["rawnet.sinc_conv.low_hz_"].shape[0],
        "filter_taps": head["rawnet.sinc_conv.window_"].shape[0],
        "blocks": max(numbers, default=-1) + 1,
        "block_taps": head[f"{block}.conv.weight"].shape[2] if numbers else 1,
        "squeezed": 0 if squeezed is None else squeezed.shape[0],
        "attention": head["rawnet.pooling_layer.linear.weight"].shape[0],
        "embedding": head["rawnet.emb_fc.weight"].shape[0],
        "fused": head["fusion_fc.weight"].shape[0],
    }
