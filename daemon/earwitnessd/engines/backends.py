"""Which other ways of computing may take over from torch, as the settings ask."""

from __future__ import annotations

import logging

import torch

from earwitnessd.engines import Backend, Compute, EmbedError
from earwitnessd.engines.compiled_backend import Compiled, compiler_missing
from earwitnessd.engines.openvino_backend import OpenVINO, openvino_missing
from earwitnessd.engines.upgrading import LEAST_GAIN, Contender, Upgrading
from earwitnessd.models import Model
from earwitnessd.native.cache import cache_directory

log = logging.getLogger(__name__)


def with_backend(first: Compute, backend: Backend, model: Model) -> Upgrading:
    """Torch on the CPU at once, and what takes over from it: what was asked for, or what proves faster."""
    openvino = OpenVINO(model.directory, model.model_id, torch.get_num_threads(), cache_directory())
    compiled = Compiled(model.directory, cache_directory())
    missing = {"openvino": openvino_missing(), "compiled": compiler_missing()}
    if backend == "auto":
        for name, why in missing.items():
            if why:
                log.info("engine.backend: %s is not tried: %s", name, why)
        contenders: list[Contender] = [] if missing["openvino"] else [openvino]
        return Upgrading(first, contenders + ([] if missing["compiled"] else [compiled]), LEAST_GAIN)
    if backend == "torch":
        return Upgrading(first, [])
    if why := missing[backend]:
        raise EmbedError(f"engine.backend = {backend}: {why}; or set engine.backend: torch")
    return Upgrading(first, [openvino if backend == "openvino" else compiled], least_gain=0.0)


def refuse_elsewhere(backend: Backend, why: str) -> None:
    """For devices and precisions that torch alone computes."""
    if backend not in {"torch", "auto"}:
        raise EmbedError(f"engine.backend = {backend}: {why}; set engine.backend: torch")
