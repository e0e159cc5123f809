"""The bundled conversation: its files, and who says what when."""

from __future__ import annotations

from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent


class Voice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A synthetic voice and on what terms its speech may be passed on."""

    engine: str
    # the program and its voice, "flite slt"
    package: str
    # the Debian package and version that was used
    speaker: str
    licence: str


class Enrolment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The recording from which a speaker is enrolled; none of it is in the conversation."""

    speaker: str
    voice: Voice
    file: str
    duration_s: float
    net_speech_s: float
    text: str


class Turn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stretch of speech by one speaker."""

    speaker: str | None
    # None is a stranger: the right answer is "unknown", whatever the stranger claims
    enrolled: bool
    start_s: float
    # first audible sample, exact to 10 ms
    stop_s: float
    text: str


class Conversation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything in conversation.json."""

    file: str
    rate: int
    # Hz
    duration_s: float
    noise_dbfs: float
    speech_dbfs: float
    seed: int
    stranger: Voice
    enrolments: tuple[Enrolment, ...]
    turns: tuple[Turn, ...]


def load_conversation() -> Conversation:
    """The conversation that is part of the package."""
    return msgspec.json.decode((FOLDER / "conversation.json").read_bytes(), type=Conversation)
