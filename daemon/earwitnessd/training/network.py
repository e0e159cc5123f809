"""Build the network of a recipe, new or from an existing model."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from transformers import WavLMConfig, WavLMForXVector

from earwitnessd.models import Model, ModelError, open_model
from earwitnessd.models.families import Family
from earwitnessd.training.errors import TrainingError
from earwitnessd.training.frontend import initialise
from earwitnessd.training.settings import ModelSettings

BATCH = 64


def build(settings: ModelSettings) -> tuple[WavLMForXVector, bool]:
    """The network, and whether its input is scaled to zero mean and unit variance."""
    if settings.start:
        try:
            model = _opened(settings.start)
            network = WavLMForXVector.from_pretrained(model.directory, dtype=torch.float32)
        except (ModelError, OSError) as error:
            raise TrainingError(f"model.start = {settings.start}: {error}") from None
        normalise = model.normalise
    else:
        config = WavLMConfig(**settings.config)
        if not len(config.conv_dim) == len(config.conv_kernel) == len(config.conv_stride):
            raise TrainingError("model.config: conv_dim, conv_kernel and conv_stride must be equally long")
        config.num_feat_extract_layers = len(config.conv_dim)
        network, normalise = WavLMForXVector(config), settings.normalise
        initialise(network, settings.bandpass_bands, settings.bandpass_phases)
    if settings.train_only == "head":
        network.wavlm.requires_grad_(False)
    return network, bool(normalise)


def _opened(name: str) -> Model:
    model = open_model(name)
    if model.family is not Family.XVECTOR:
        raise ModelError(f"it is {model.family.says}; training begins with {Family.XVECTOR.says}")
    return model


def keep_first_layer_exact(network: WavLMForXVector, device: torch.device) -> None:
    """Compute the first convolution in fp32 even under autocast, as a product of matrices.

    Rounding the wave to bf16's eight bits buries its weak high frequencies under noise from the strong low
    ones. And on CPUs a convolution of one input channel takes four times as long as the same product.
    """
    first = network.wavlm.feature_extractor.conv_layers[0].conv

    def forward(wave: Tensor) -> Tensor:
        with torch.autocast(device.type, enabled=False):
            frames = wave[:, 0].detach().float().unfold(1, first.kernel_size[0], first.stride[0])
            return functional.linear(frames, first.weight[:, 0], first.bias).transpose(1, 2)

    first.forward = forward


def prepared(waves: NDArray[np.float32], normalise: bool, device: torch.device) -> Tensor:
    """Waves (count, samples) as the network wants them; the same arithmetic as the feature extractor's."""
    tensor = torch.from_numpy(waves).to(device)
    if not normalise:
        return tensor
    centred = tensor - tensor.mean(1, keepdim=True)
    return centred / torch.sqrt(centred.square().mean(1, keepdim=True) + 1e-7)


def embed(
    network: WavLMForXVector, normalise: bool, device: torch.device, waves: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Unit-norm fp32 embeddings (count, dimensions) of equally long waves."""
    with torch.inference_mode():
        parts = [
            functional.normalize(
                network(prepared(waves[start : start + BATCH], normalise, device)).embeddings
            )
            for start in range(0, len(waves), BATCH)
        ]
    return np.asarray(torch.cat(parts).float().cpu().numpy(), dtype=np.float32)
