"""Error rates that a model's makers state, by the name they gave the file."""

from __future__ import annotations

from pathlib import Path

from earwitnessd.models.catalogue import offered_as
from earwitnessd.models.families import Family


def published(family: Family, source: Path) -> str | None:
    """What is stated for a file of this name, which is no proof that it is that file; None: nothing known."""
    stated = offered_as(family, source.stem)
    return f"{stated.published} ({stated.source}), for a file of this name" if stated else None
