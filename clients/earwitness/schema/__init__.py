"""The contract as JSON Schema, for programs in other languages: the files beside this one."""

from __future__ import annotations

from enum import StrEnum
from importlib.resources import files


class Part(StrEnum):
    """What comes in on which socket."""

    EVENTS = "events"
    CONTROL = "control"


def schema(part: Part) -> str:
    """What `build` made of the types when this version was released."""
    return files(__name__).joinpath(f"{part}.json").read_text(encoding="utf-8")
