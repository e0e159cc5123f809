"""A network on a device in the precision asked for, judged against plain float32 before it is used."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from earwitnessd.engines import Precision, Vectors, Windows
from earwitnessd.engines.amx.kernels import Kernels
from earwitnessd.engines.amx.tiling import ONE_PART, THREE_PARTS, TWO_PARTS, tile
from earwitnessd.engines.checkpoint import load
from earwitnessd.engines.exactness import difference
from earwitnessd.engines.graphed import with_graphs
from earwitnessd.engines.network import Network
from earwitnessd.engines.packing import pack
from earwitnessd.engines.precision import FAST_PROMISE, RESOLUTION, lower, score_difference

log = logging.getLogger(__name__)

ON_TILES = " on AMX"
MARGIN = 0.5  # of the promise of float32: what is less exact than that may break it with other windows
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
    directory: Path,
    device: torch.device,
    precision: Precision,
    speech: Windows,
    lacking: str | None,
    kernels: Kernels | None = None,
) -> Arrangement:
    """The fastest that the precision allows; `speech` is prepared as the network wants it.

    `lacking` says why bfloat16 would not be fast on the device; the kernels are for a CPU with AMX.
    """
    network = load(directory).to(device)
    expected = computing(network, device)(speech)
    if precision == "exact":
        return _exact(network, device, directory, speech, expected, kernels)
    if lacking is None:
        for lowered, how in _lowered(directory, device, kernels):
            compute = with_graphs(lowered, device, computing(lowered, device), speech)
            off = score_difference(compute(speech), expected)
            if off <= (RESOLUTION if precision == "auto" else FAST_PROMISE):
                kind = "" if off <= RESOLUTION else "+bf16"
                return Arrangement(compute, f"bfloat16{how}, scores within {off:.4f}", exact=False, kind=kind)
            lacking = f"bfloat16{how} changes scores by {off:.4f}"
    log.warning("engine.precision = %s: %s; computing in float32", precision, lacking)
    exact = _exact(network, device, directory, speech, expected, kernels)
    return Arrangement(exact.compute, f"{exact.says} ({lacking})")


def computing(network: Network, device: torch.device) -> Compute:
    """A network as a function of arrays."""

    def compute(prepared: Windows) -> Vectors:
        with torch.inference_mode():
            vectors: Vectors = network(torch.from_numpy(prepared).to(device)).float().cpu().numpy()
        return vectors

    return compute


def _lowered(directory: Path, device: torch.device, kernels: Kernels | None) -> Iterator[tuple[Network, str]]:
    """Networks that compute in bfloat16, the fastest first, and what is said of each."""
    if kernels:
        network = load(directory)
        tile(network, kernels, ONE_PART)
        pack(network)
        yield network, ON_TILES
    network = lower(load(directory).to(device))
    if device.type == "cpu":
        pack(network)
    yield network, ""


def _exact(
    network: Network,
    device: torch.device,
    directory: Path,
    speech: Windows,
    expected: Vectors,
    kernels: Kernels | None,
) -> Arrangement:
    if kernels:
        for parts, share in ((TWO_PARTS, MARGIN), (THREE_PARTS, 1.0)):
            tile(network, kernels, parts)
            pack(network)
            if keeps_its_promise(network, speech, expected, f"products of {parts} parts on AMX", share):
                return Arrangement(computing(network, device), f"float32{ON_TILES}")
            network = load(directory)
    if (
        device.type == "cpu"
        and pack(network)
        and not keeps_its_promise(network, speech, expected, "oneDNN's packed products")
    ):
        network = load(directory)
    plain = computing(network, device)
    return Arrangement(with_graphs(network, device, plain, speech), "float32")


def keeps_its_promise(
    rearranged: Network, speech: Windows, expected: Vectors, what: str, share: float = 1.0
) -> bool:
    """Whether a rearranged network gives what the plain one gave, within a share of what is promised."""
    try:
        away = difference(computing(rearranged, torch.device("cpu"))(speech), expected)
    except RuntimeError as error:
        log.warning("%s fail here, others are used: %s", what, error)
        return False
    if not away.within(share) and np.isfinite(expected).all():
        level = logging.WARNING if share == 1.0 else logging.DEBUG
        log.log(level, "%s are off by %.1e here: others are used", what, away.relative)
        return False
    return True
