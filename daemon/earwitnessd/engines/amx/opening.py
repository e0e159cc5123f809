"""Opens the kernels, where this machine can run them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from earwitnessd.engines.amx.compiling import COMPILERS, library
from earwitnessd.engines.amx.kernels import Kernels
from earwitnessd.engines.cpu import lacks_tiles
from earwitnessd.engines.errors import EmbedError

log = logging.getLogger(__name__)


def open_kernels(cache: Path, compilers: Sequence[str] = COMPILERS) -> Kernels | None:
    """Compiled if they are not yet; None: torch computes everything, and with AMX the log says why."""
    if lacks_tiles():
        return None
    try:
        return Kernels(library(cache, compilers))
    except EmbedError as error:
        log.warning("this CPU has AMX, and our kernels for it are not used: %s", error)
        return None
