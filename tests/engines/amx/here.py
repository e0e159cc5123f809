"""The kernels of this machine, for tests; machines without AMX skip them and say why."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from earwitnessd.engines.amx.kernels import Kernels
from earwitnessd.engines.amx.sources import KERNELS
from earwitnessd.native.cache import cache_directory
from earwitnessd.native.cpu import lacks_tiles

needs_amx = pytest.mark.skipif(lacks_tiles() is not None, reason=str(lacks_tiles()))


@cache
def kernels() -> Kernels:
    return Kernels(file())


@cache
def file() -> Path:
    return KERNELS.library(cache_directory())
