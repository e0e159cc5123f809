"""The shape of a WavLMForXVector, read from its config.json."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from earwitnessd.models import ModelError

CONFIG = "config.json"

Positive = Annotated[int, msgspec.Meta(gt=0)]


class Architecture(msgspec.Struct, frozen=True, kw_only=True):
    """What the weights' shapes and the arithmetic depend on; keys that do not matter here are passed over.

    A key that is absent has the value that transformers would give it.
    """

    hidden_size: Positive = 768
    num_hidden_layers: Annotated[int, msgspec.Meta(ge=0)] = 12
    num_attention_heads: Positive = 12
    intermediate_size: Positive = 3072
    hidden_act: str = "gelu"
    layer_norm_eps: Annotated[float, msgspec.Meta(gt=0)] = 1e-5
    feat_extract_norm: Literal["group", "layer"] = "group"
    feat_extract_activation: str = "gelu"
    conv_dim: tuple[Positive, ...] = (512,) * 7
    conv_stride: tuple[Positive, ...] = (5, 2, 2, 2, 2, 2, 2)
    conv_kernel: tuple[Positive, ...] = (10, 3, 3, 3, 3, 2, 2)
    conv_bias: bool = False
    num_conv_pos_embeddings: Positive = 128
    num_conv_pos_embedding_groups: Positive = 16
    num_buckets: Annotated[int, msgspec.Meta(ge=4)] = 320
    max_bucket_distance: Positive = 800
    do_stable_layer_norm: bool = False
    use_weighted_layer_sum: bool = False
    tdnn_dim: tuple[Positive, ...] = (512, 512, 512, 512, 1500)
    tdnn_kernel: tuple[Positive, ...] = (5, 3, 3, 1, 1)
    tdnn_dilation: tuple[Positive, ...] = (1, 2, 3, 1, 1)
    xvector_output_dim: Positive = 512
    add_adapter: bool = False
    tie_last_hidden_states: bool | None = None
    # whether the weighted sum takes the last layer after the closing norm, as transformers 4 did

    def __post_init__(self) -> None:
        if self.add_adapter:
            raise ValueError("add_adapter is true: adapters between the layers and the head are not computed")
        if self.hidden_size % self.num_attention_heads:
            raise ValueError("hidden_size is no multiple of num_attention_heads")
        if self.hidden_size % self.num_conv_pos_embedding_groups:
            raise ValueError("hidden_size is no multiple of num_conv_pos_embedding_groups")
        if not len(self.conv_dim) == len(self.conv_kernel) == len(self.conv_stride) > 0:
            raise ValueError("conv_dim, conv_kernel and conv_stride must be equally long, and not empty")
        if not len(self.tdnn_dim) == len(self.tdnn_kernel) == len(self.tdnn_dilation) > 0:
            raise ValueError("tdnn_dim, tdnn_kernel and tdnn_dilation must be equally long, and not empty")
        if self.max_bucket_distance <= self.num_buckets // 4:
            raise ValueError("max_bucket_distance must be above a quarter of num_buckets")

    @property
    def head_size(self) -> int:
        """Channels of one attention head."""
        return self.hidden_size // self.num_attention_heads

    def frames(self, samples: int) -> int:
        """How many feature vectors a window gives; not positive: it is too short."""
        for kernel, stride in zip(self.conv_kernel, self.conv_stride, strict=True):
            samples = (samples - kernel) // stride + 1
        return samples

    def pooled_frames(self, samples: int) -> int:
        """How many of them are left for the statistics at the end."""
        lost = (
            (kernel - 1) * dilation
            for kernel, dilation in zip(self.tdnn_kernel, self.tdnn_dilation, strict=True)
        )
        return self.frames(samples) - sum(lost)


def read_architecture(directory: Path) -> Architecture:
    """From a model's directory; what cannot be computed is refused."""
    path = directory / CONFIG
    try:
        return msgspec.json.decode(path.read_bytes(), type=Architecture)
    except msgspec.DecodeError as error:
        raise ModelError(
            f"{path}: {error}. This is no WavLMForXVector that can be computed here: choose another model"
        ) from error
