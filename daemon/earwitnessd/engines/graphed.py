"""Lets captured graphs compute on a GPU, where they give what the network gives without them."""

from __future__ import annotations

import logging

import torch

from earwitnessd.engines import Compute, Windows
from earwitnessd.engines.cuda_graphs import CudaGraphs
from earwitnessd.engines.network import Network
from earwitnessd.engines.precision import RESOLUTION, score_difference
from earwitnessd.engines.staged import Accelerator, Staged

log = logging.getLogger(__name__)


def with_graphs(network: Network, device: torch.device, plain: Compute, speech: Windows) -> Compute:
    """On a GPU; elsewhere nothing changes."""
    if device.type != "cuda":
        return plain
    return graphed(CudaGraphs(network, device), network.vector_size, plain, speech)


def graphed(accelerator: Accelerator, vector_size: int, plain: Compute, speech: Windows) -> Compute:
    """Graphs if they give what `plain` gives; memory that is lacking is no reason against them."""
    staged = Staged(accelerator, vector_size)
    try:
        off = score_difference(staged(speech), plain(speech))
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        log.warning("CUDA graphs cannot be captured here, kernels are started one by one: %s", error)
        return plain
    if off > RESOLUTION:
        log.warning("CUDA graphs change scores by %.4f here: kernels are started one by one", off)
        return plain
    return staged
