"""Where what was built for this machine is kept, to be built once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def cache_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """systemd's cache or state directory, or the user's cache; it may be deleted at any time."""
    if cache := environ.get("CACHE_DIRECTORY"):
        return Path(cache.split(":")[0])
    if state := environ.get("STATE_DIRECTORY"):
        return Path(state.split(":")[0]) / "cache"
    home = environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "earwitness"
