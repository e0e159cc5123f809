"""WavLM and ECAPA-TDNN, of microsoft/UniSpeech's speaker verification: {"model": …}."""

from __future__ import annotations

from earwitnessd.engines.families.converted import Converted, Found, Given, Settings, Tensors
from earwitnessd.engines.families.microsoft import SIGNS
from earwitnessd.engines.families.naming import by_transformers
from earwitnessd.engines.families.shaping import shaped
from earwitnessd.models.families import Family

BACKBONE = "feature_extract.model."
_PARTS = ("layer1.", "layer2.", "layer3.", "layer4.", "conv.", "pooling.", "bn.", "linear.")
_HEAD_SIGNS = (
    "feature_weight",
    "layer1.conv.weight",
    "layer2.Res2Conv1dReluBn.convs.0.weight",
    "layer4.SE_Connect.linear1.weight",
    "pooling.linear1.weight",
    "bn.running_mean",
    "linear.weight",
)
_COUNTERS = "num_batches_tracked"


def lacks(found: Found, given: Given) -> tuple[str, ...]:
    """What a checkpoint of this family has and this one has not."""
    head = tuple(name for name in _HEAD_SIGNS if name not in found.weights)
    backbone = _backbone(found, given)
    return (*head, *(f"{BACKBONE}{name}" for name in SIGNS if name not in backbone))


def convert(found: Found, given: Given) -> Converted:
    """The backbone under transformers' names, the head under its own."""
    weights, others = by_transformers(_backbone(found, given))
    shape = shaped(found, weights, given, microsoft=True)
    head = {
        f"ecapa.{name}": tensor
        for name, tensor in found.weights.items()
        if name.startswith(_PARTS) and not name.endswith(_COUNTERS)
    }
    shape.config.update(ecapa=_shape(found.weights), use_weighted_layer_sum=True, tie_last_hidden_states=True)
    left = (
        name
        for name in found.weights
        if not name.startswith((*_PARTS, BACKBONE)) and name != "feature_weight"
    )
    return Converted(
        family=Family.ECAPA,
        shaped=shape,
        weights={**weights, **head, "layer_weights": found.weights["feature_weight"].flatten()},
        left_aside=(*(f"{BACKBONE}{name}" for name in others), *left),
    )


def _backbone(found: Found, given: Given) -> Tensors:
    """The file's own, which may have been trained further; without one, that which the user names."""
    own = {
        name.removeprefix(BACKBONE): tensor
        for name, tensor in found.weights.items()
        if name.startswith(BACKBONE)
    }
    return own or (given.backbone.weights if given.backbone else {})


def _shape(weights: Tensors) -> Settings:
    channels = weights["layer1.conv.weight"].shape[0]
    width = weights["layer2.Res2Conv1dReluBn.convs.0.weight"].shape[0]
    attention, heard, _ = weights["pooling.linear1.weight"].shape
    pooled = weights["pooling.linear2.weight"].shape[0]
    return {
        "channels": channels,
        "scale": channels // width,
        "squeezed": weights["layer4.SE_Connect.linear1.weight"].shape[0],
        "pooled": pooled,
        "attention": attention,
        "embedding": weights["linear.weight"].shape[0],
        "global_context": heard == 3 * pooled,
    }
