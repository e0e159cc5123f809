"""The network compiled by torch, which fuses what lies between the large products."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import torch

from earwitnessd.engines import Compute, EmbedError, Vectors, Windows
from earwitnessd.engines.checkpoint import load
from earwitnessd.engines.opaque import hide_products
from earwitnessd.engines.packing import pack

_COMPILERS = ("c++", "g++", "clang++")


def compiler_missing() -> str | None:
    """Why torch cannot compile here; None: it can."""
    if any(shutil.which(name) for name in _COMPILERS):
        return None
    return f"torch compiles with a C++ compiler ({', '.join(_COMPILERS)}), and there is none: install g++"


class Compiled:
    """Compiles the network for single windows; larger batches gain nothing from it, and are not compiled."""

    name = "compiled torch float32"

    def __init__(self, directory: Path, cache: Path) -> None:
        self._directory = directory
        self._cache = cache

    def build(self, samples: int) -> Compute:
        """For windows of this length; what was compiled stays in the cache directory."""
        if missing := compiler_missing():
            raise EmbedError(missing)
        network, single = load(self._directory), load(self._directory)
        pack(network)
        if pack(single):
            hide_products(single, torch.zeros(1, samples))
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(self._cache / "inductor"))
        # one process: the others would take the cores from the audio and the engine
        compiled = torch.compile(single, dynamic=False, options={"compile_threads": 1})
        with torch.inference_mode():
            compiled(torch.zeros(1, samples))

        def compute(prepared: Windows) -> Vectors:
            with torch.inference_mode():
                waves = torch.from_numpy(prepared)
                vectors: Vectors = (compiled if len(waves) == 1 else network)(waves).numpy()
            return vectors

        return compute
