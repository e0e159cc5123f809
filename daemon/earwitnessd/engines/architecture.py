"""The shape of a WavLM and of its head, read from its config.json."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from earwitnessd.models import ModelError
from earwitnessd.models.families import Family, family_of

CONFIG = "config.json"

Positive = Annotated[int, msgspec.Meta(gt=0)]


class EcapaShape(msgspec.Struct, frozen=True, kw_only=True):
    """Of an ECAPA-TDNN head."""

    channels: Positive
    scale: Positive
    # groups that a layer's channels are cut into
    squeezed: Positive
    # channels between squeezing and exciting
    pooled: Positive
    # channels whose statistics are taken
    attention: Positive
    # channels that attention is computed in
    embedding: Positive
    global_context: bool = False
    # whether attention also hears each channel's mean and deviation

    def __post_init__(self) -> None:
        if self.channels % self.scale:
            raise ValueError("ecapa.channels is no multiple of ecapa.scale")


class RawNetShape(msgspec.Struct, frozen=True, kw_only=True):
    """Of a RawNet head."""

    channels: Positive
    filter_taps: Positive
    blocks: Annotated[int, msgspec.Meta(ge=0)]
    block_taps: Positive
    squeezed: Annotated[int, msgspec.Meta(ge=0)]
    # channels between squeezing and exciting; 0: no excitation
    attention: Positive
    embedding: Positive
    # of the samples alone
    fused: Positive
    # of samples and frames together
    dilation: Positive = 1

    def __post_init__(self) -> None:
        if not self.filter_taps % 2 or not self.block_taps % 2:
            raise ValueError("rawnet.filter_taps and rawnet.block_taps must be odd: so lengths are kept")


class Architecture(msgspec.Struct, frozen=True, kw_only=True):
    """What the weights' shapes and the arithmetic depend on; keys that do not matter here are passed over.

    A key that is absent has the value that transformers would give it.
    """

    architectures: tuple[str, ...] = (Family.XVECTOR,)
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
    id2label: dict[str, str] | None = None
    # of a head of frames; transformers leaves it away when there are two
    ecapa: EcapaShape | None = None
    rawnet: RawNetShape | None = None

    def __post_init__(self) -> None:
        family = family_of(self.architectures)
        if family is None:
            raise ValueError(f"architectures is {', '.join(self.architectures)}: none of them is known")
        if family is Family.ECAPA and self.ecapa is None:
            raise ValueError("ecapa is missing: the shape of the head")
        if family is Family.RAWNET and self.rawnet is None:
            raise ValueError("rawnet is missing: the shape of the head")
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
    def family(self) -> Family:
        """What stands on the transformer."""
        found = family_of(self.architectures)
        assert found is not None, "looked at when it was made"
        return found

    @property
    def num_labels(self) -> int:
        """How many speakers a head of frames tells apart."""
        return 2 if self.id2label is None else len(self.id2label)

    @property
    def head_size(self) -> int:
        """Channels of one attention head."""
        return self.hidden_size // self.num_attention_heads

    def frames(self, samples: int) -> int:
        """How many feature vectors a window gives; not positive: it is too short."""
        for kernel, stride in zip(self.conv_kernel, self.conv_stride, strict=True):
            samples = (samples - kernel) // stride + 1
        return samples


def read_architecture(directory: Path) -> Architecture:
    """From a model's directory; what cannot be computed is refused."""
    path = directory / CONFIG
    try:
        return msgspec.json.decode(path.read_bytes(), type=Architecture)
    except msgspec.DecodeError as error:
        raise ModelError(
            f"{path}: {error}. This is no WavLM that can be computed here: choose another model"
        ) from error
