"""A network on a device in the precision asked for, judged against plain float32 before it is used."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from earwitnessd.engines import Precision, Vectors, Windows
from earwitnessd.engines.checkpoint import load
from earwitnessd.engines.exactness import difference
from earwitnessd.engines.graphed import with_graphs
from earwitnessd.engines.network import Network
from earwitnessd.engines.packing import pack
from earwitnessd.engines.precision import FAST_PROMISE, RESOLUTION, lower, score_difference

log = logging.getLogger(__name__)

Compute = Callable[[Windows], Vectors]  # prepared windows to vectors of any length


@dataclass(frozen=True, eq=False, slots=True)
class Arrangement:
    """A way of computing that kept its promise."""

    compute: Compute
    says: str
    # for people: the number format, and why it is not the one asked for
    exact: bool = True
    # float32, within the promise of `exactness`
    kind: str = ""
    # what a model id gets appended, where scores could be told from exact ones


def arrange(
    directory: Path, device: torch.device, precision: Precision, speech: Windows, lacking: str | None
) -> Arrangement:
    """The fastest that the precision allows; `speech` is prepared as the network wants it.

    `lacking` says why bfloat16 would not be fast on the device.
    """
    network = load(directory).to(device)
    expected = computing(network, device)(speech)
    if precision == "exact":
        return _exact(network, device, directory, speech, expected)
    if lacking is None:
        lowered = lower(load(directory).to(device))
        if device.type == "cpu":
            pack(lowered)
        compute = with_graphs(lowered, device, computing(lowered, device), speech)
        off = score_difference(compute(speech), expected)
        if off <= (RESOLUTION if precision == "auto" else FAST_PROMISE):
            kind = "" if off <= RESOLUTION else "+bf16"
            return Arrangement(compute, f"bfloat16, scores within {off:.4f}", exact=False, kind=kind)
        lacking = f"bfloat16 changes scores by {off:.4f}"
    log.warning("engine.precision = %s: %s; computing in float32", precision, lacking)
    exact = _exact(network, device, directory, speech, expected)
    return Arrangement(exact.compute, f"{exact.says} ({lacking})")


def computing(network: Network, device: torch.device) -> Compute:
    """A network as a function of arrays."""

    def compute(prepared: Windows) -> Vectors:
        with torch.inference_mode():
            vectors: Vectors = network(torch.from_numpy(prepared).to(device)).float().cpu().numpy()
        return vectors

    return compute


def _exact(
    network: Network, device: torch.device, directory: Path, speech: Windows, expected: Vectors
) -> Arrangement:
    if device.type == "cpu" and pack(network) and not keeps_its_promise(network, speech, expected):
        network = load(directory)
    plain = computing(network, device)
    return Arrangement(with_graphs(network, device, plain, speech), "float32")


def keeps_its_promise(packed: Network, speech: Windows, expected: Vectors) -> bool:
    """Whether a packed network gives what the plain one gave; says why not."""
    try:
        away = difference(computing(packed, torch.device("cpu"))(speech), expected)
    except RuntimeError as error:
        log.warning("oneDNN's packed products fail here, plain ones are used: %s", error)
        return False
    if not away.exact and np.isfinite(expected).all():
        log.warning("oneDNN's packed products are off by %.1e here: plain ones are used", away.relative)
        return False
    return True
