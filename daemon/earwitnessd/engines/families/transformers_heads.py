"""What transformers itself calls WavLM: with an x-vector head, with a head of frames, and without a head."""

from __future__ import annotations

from earwitnessd.engines.checkpoint import todays_name, under_wavlm
from earwitnessd.engines.families.converted import Converted, Found, Given, Settings, Tensors
from earwitnessd.engines.families.shaping import shaped
from earwitnessd.models.families import Family, family_of

_PREFIX = "wavlm."
_SIGN = "encoder.layers.0.attention.gru_rel_pos_linear.weight"
_HEADS = {
    Family.XVECTOR: ("projector.weight", "tdnn.0.kernel.weight", "feature_extractor.weight"),
    Family.FRAMES: ("classifier.weight",),
    Family.BACKBONE: (),
}
_DILATIONS = (1, 2, 3, 1, 1)


def lacks(found: Found, family: Family) -> tuple[str, ...]:
    """What a checkpoint of this family has and this one has not; a config.json that names it is believed."""
    claimed = family_of((found.config or {}).get("architectures") or ())
    if claimed is not None:
        return () if claimed is family else (f"architectures: {family} in config.json",)
    if family is Family.FRAMES and "projector.weight" in found.weights:
        return ("a classifier of frames (this one classifies whole recordings)",)
    bare = family is Family.BACKBONE and _SIGN in found.weights
    signs = (*(() if bare else (f"{_PREFIX}{_SIGN}",)), *_HEADS[family])
    return tuple(name for name in signs if name not in found.weights)


def convert(found: Found, given: Given, family: Family) -> Converted:
    """Under today's names."""
    weights = {todays_name(name): tensor for name, tensor in found.weights.items()}
    weights = under_wavlm(weights)
    shape = shaped(found, weights, given, microsoft=False)
    others: tuple[str, ...] = ()
    if family is Family.BACKBONE:
        others = tuple(name for name in weights if not name.startswith(_PREFIX))
        weights = {name: tensor for name, tensor in weights.items() if name.startswith(_PREFIX)}
        shape.config["use_weighted_layer_sum"] = False
    if found.config is None:
        shape.config.update({**_head(family, weights), **given.values})
        shape.config.pop("do_normalize", None)
    return Converted(
        family=family,
        shaped=shape,
        weights=weights,
        left_aside=others,
    )


def _head(family: Family, weights: Tensors) -> Settings:
    """The shape of a head whose configuration is not there."""
    if family is Family.FRAMES:
        return {"id2label": {str(each): str(each) for each in range(len(weights["classifier.weight"]))}}
    if family is Family.BACKBONE:
        return {}
    inputs = weights["projector.weight"].shape[0]
    dims, kernels = list[int](), list[int]()
    while (name := f"tdnn.{len(dims)}.kernel.weight") in weights:
        outputs, heard = weights[name].shape
        dims.append(outputs)
        kernels.append(heard // inputs)
        inputs = outputs
    return {
        "tdnn_dim": dims,
        "tdnn_kernel": kernels,
        "tdnn_dilation": list(_DILATIONS[: len(dims)]),
        "xvector_output_dim": weights["feature_extractor.weight"].shape[0],
    }
