"""Opens the kernels, where this machine can run them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from earwitnessd.engines.amx.kernels import Kernels
from earwitnessd.engines.amx.sources import KERNELS
from earwitnessd.engines.errors import EmbedError
from earwitnessd.native.compiling import COMPILERS, CompileError
from earwitnessd.native.cpu import lacks_tiles

log = logging.getLogger(__name__)


def open_kernels(cache: Path, compilers: Sequence[str] = COMPILERS) -> Kernels | None:
    """Compiled if they are not yet; None: torch computes everything, and with AMX the log says why."""
    if lacks_tiles():
        return None
    try:
        return Kernels(KERNELS.library(cache, compilers))
    except (CompileError, EmbedError) as error:
        log.warning("this CPU has AMX, and our kernels for it are not used: %s", error)
        return None
