"""Choose bf16 only where it is measured to be right and faster on this machine."""

from __future__ import annotations

import logging
import time

import torch
from torch import Tensor
from transformers import WavLMForXVector

from earwitnessd.training.errors import TrainingError

logger = logging.getLogger(__name__)
LARGEST_DIFFERENCE = 0.03
# relative error of the embeddings; bf16 itself costs 0.003-0.01


def choose_bf16(network: WavLMForXVector, waves: Tensor, wanted: str) -> bool:
    """Whether to train under bf16 autocast; asking for a bf16 that is wrong is an error."""
    if wanted == "fp32":
        return False
    difference = bf16_difference(network, waves)
    if wanted == "bf16":
        if difference > LARGEST_DIFFERENCE:
            # Seen: grouped convolutions whose channels per group are no multiple of 16.
            raise TrainingError(
                f"precision = bf16: differs from fp32 by {difference:.3f} here; use fp32 or auto"
            )
        return True
    plain, reduced = (_step_seconds(network, waves, bf16) for bf16 in (False, True))
    logger.info("a step: fp32 %.2f s, bf16 %.2f s, bf16 differs by %.4f", plain, reduced, difference)
    return difference <= LARGEST_DIFFERENCE and reduced < 0.9 * plain


def bf16_difference(network: WavLMForXVector, waves: Tensor) -> float:
    """The relative difference between fp32 and bf16 embeddings."""
    was_training = network.training
    network.eval()
    with torch.no_grad():
        exact = network(waves).embeddings
        with torch.autocast(waves.device.type, torch.bfloat16):
            reduced = network(waves).embeddings.float()
    network.train(was_training)
    return float((reduced - exact).norm() / exact.norm())


def _step_seconds(network: WavLMForXVector, waves: Tensor, bf16: bool) -> float:
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        with torch.autocast(waves.device.type, torch.bfloat16, enabled=bf16):
            loss = network(waves).embeddings.float().square().mean()
        loss.backward()
        loss.item()
        seconds.append(time.perf_counter() - began)
    network.zero_grad(set_to_none=True)
    return min(seconds)
