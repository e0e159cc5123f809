"""What the engine thread works with: opened there, and chosen by `assemble.py`."""

from __future__ import annotations

from dataclasses import dataclass

from earwitnessd.decide import Rules
from earwitnessd.engines import Embedder
from earwitnessd.enroll.decoding import Decode
from earwitnessd.enroll.recording import decode
from earwitnessd.listening.overlapping import OverlapWatch
from earwitnessd.models import Model
from earwitnessd.profiles.people import People
from earwitnessd.templates.vault import Turning


@dataclass(frozen=True, eq=False, slots=True)
class Parts:
    """The model, the people, and how is decided."""

    embedder: Embedder
    people: People
    rules: Rules
    model: Model
    profiles_damaged: str = ""
    # where a damaged database lies that was moved aside
    turning: Turning | None = None
    # into the space where the templates lie; None: they lie as they were computed
    overlap: OverlapWatch | None = None
    # hears whether two people speak at once; None: nobody looks
    decode: Decode = decode
    # recordings that are sent for enrolment, in a thread of its own
