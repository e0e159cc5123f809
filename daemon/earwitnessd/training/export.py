"""Write a trained network as a model directory that transformers and the daemon load."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import Wav2Vec2FeatureExtractor, WavLMForXVector

from earwitnessd.training.pool import RATE


def export(network: WavLMForXVector, normalise: bool, directory: Path) -> None:
    """`config.json`, `preprocessor_config.json` and half-precision `model.safetensors`.

    The configuration still says float32: half precision is only how the weights are stored.
    """
    directory.mkdir(parents=True, exist_ok=True)
    network.config.architectures = [type(network).__name__]
    network.config.dtype = torch.float32
    network.config.save_pretrained(directory)
    Wav2Vec2FeatureExtractor(
        feature_size=1,
        sampling_rate=RATE,
        padding_value=0.0,
        do_normalize=normalise,
        return_attention_mask=False,
    ).save_pretrained(directory)
    weights = {name: value.detach().half().contiguous() for name, value in network.state_dict().items()}
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
