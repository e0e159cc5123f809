"""A network on a device in the precision asked for, judged against plain float32 before it is used."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from earwitnessd.engines import Compute, Precision, Vectors, Windows
from earwitnessd.engines.amx.kernels import Kernels
from earwitnessd.engines.amx.tiling import ONE_PART, THREE_PARTS, TWO_PARTS, tile
from earwitnessd.engines.checkpoint import load
from earwitnessd.engines.exactness import difference
from earwitnessd.engines.graphed import with_graphs
from earwitnessd.engines.network import Network
from earwitnessd.engines.packing import pack
from earwitnessd.engines.precision import FAST_PROMISE, RESOLUTION, lower, score_difference
from earwitnessd.engines.timing import gain

log = logging.getLogger(__name__)

ON_TILES = " on AMX"
WORTH_TILES = 1.1  # times as fast: where others use the core's other half, AMX loses more than vectors do
MARGIN = 0.5  # of the promise of float32: what is less exact than that may break it with other windows
Some = TypeVar("Some", bound="Arrangement | None")


@dataclass(frozen=True, slots=True)
class Tiles:
    """The kernels for a CPU with AMX."""

    kernels: Kernels
    contested: bool
    # torch computes in their place where they are not clearly faster, measured here


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
    tiles: Tiles | None = None,
) -> Arrangement:
    """The fastest that the precision allows; `speech` is prepared as the network wants it.

    `lacking` says why bfloat16 would not be fast on the device.
    """
    ways = _Ways(directory, device, speech, tiles)
    if precision == "exact":
        return ways.exact()
    if lacking is None:
        lowered = ways.lowered(RESOLUTION if precision == "auto" else FAST_PROMISE)
        if lowered:
            return lowered
        lacking = ways.refusal
    log.warning("engine.precision = %s: %s; computing in float32", precision, lacking)
    exact = ways.exact()
    return replace(exact, says=f"{exact.says} ({lacking})")


class _Ways:
    """All that there are of computing a network on a device, judged by recorded speech."""

    def __init__(self, directory: Path, device: torch.device, speech: Windows, tiles: Tiles | None) -> None:
        self.refusal = ""
        # of the last that broke its promise
        self._directory = directory
        self._device = device
        self._speech = speech
        self._tiles = tiles
        self._expected = computing(load(directory).to(device), device)(speech)

    def exact(self) -> Arrangement:
        """In float32."""
        return self._fastest(self._float32_on_tiles, self._float32, WORTH_TILES)

    def lowered(self, promise: float) -> Arrangement | None:
        """In bfloat16, with scores off by no more than promised."""
        return self._fastest(
            partial(self._bfloat16_on_tiles, promise=promise), partial(self._bfloat16, promise=promise), 1.0
        )

    def _fastest(
        self,
        on_tiles: Callable[[Kernels], Arrangement | None],
        by_torch: Callable[[], Some],
        least_gain: float,
    ) -> Arrangement | Some:
        tiled = on_tiles(self._tiles.kernels) if self._tiles else None
        if tiled is None:
            return by_torch()
        plain = by_torch() if self._tiles and self._tiles.contested else None
        if plain is None:
            return tiled
        times = gain(plain.compute, tiled.compute, self._speech[:1])
        log.info("engine.amx: %s is %.2f times as fast as %s by torch", tiled.says, times, plain.says)
        if times >= least_gain:
            return tiled
        return replace(plain, says=f"{plain.says} (AMX: no gain)")

    def _float32_on_tiles(self, kernels: Kernels) -> Arrangement | None:
        for parts, share in ((TWO_PARTS, MARGIN), (THREE_PARTS, 1.0)):
            network = load(self._directory)
            tile(network, kernels, parts)
            pack(network)
            if self._keeps_its_promise(network, f"products of {parts} parts{ON_TILES}", share):
                return Arrangement(computing(network, self._device), f"float32{ON_TILES}")
        return None

    def _float32(self) -> Arrangement:
        network = load(self._directory).to(self._device)
        if (
            self._device.type == "cpu"
            and pack(network)
            and not self._keeps_its_promise(network, "oneDNN's packed products")
        ):
            network = load(self._directory)
        plain = computing(network, self._device)
        return Arrangement(with_graphs(network, self._device, plain, self._speech), "float32")

    def _bfloat16_on_tiles(self, kernels: Kernels, promise: float) -> Arrangement | None:
        network = load(self._directory)
        tile(network, kernels, ONE_PART)
        pack(network)
        return self._judged(network, f"bfloat16{ON_TILES}", promise)

    def _bfloat16(self, promise: float) -> Arrangement | None:
        network = lower(load(self._directory).to(self._device))
        if self._device.type == "cpu":
            pack(network)
        return self._judged(network, "bfloat16", promise)

    def _judged(self, lowered: Network, what: str, promise: float) -> Arrangement | None:
        compute = with_graphs(lowered, self._device, computing(lowered, self._device), self._speech)
        off = score_difference(compute(self._speech), self._expected)
        if off <= promise:
            kind = "" if off <= RESOLUTION else "+bf16"
            return Arrangement(compute, f"{what}, scores within {off:.4f}", exact=False, kind=kind)
        self.refusal = f"{what} changes scores by {off:.4f}"
        return None

    def _keeps_its_promise(self, network: Network, what: str, share: float = 1.0) -> bool:
        return keeps_its_promise(network, self._speech, self._expected, what, share)


def computing(network: Network, device: torch.device) -> Compute:
    """A network as a function of arrays."""

    def compute(prepared: Windows) -> Vectors:
        with torch.inference_mode():
            vectors: Vectors = network(torch.from_numpy(prepared).to(device)).float().cpu().numpy()
        return vectors

    return compute


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
