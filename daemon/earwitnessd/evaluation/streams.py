"""Lists of recordings with their turns, and of the recordings from which people are enrolled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from earwitnessd.evaluation.errors import EvaluationError
from earwitnessd.evaluation.turns import Turn, read_rttm

ENROLMENTS = "enrolments.txt"


@dataclass(frozen=True, slots=True)
class Recording:
    """One to be replayed."""

    audio: Path
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One of perhaps several recordings of a person."""

    speaker: str
    audio: Path


def load_recordings(listing: Path) -> list[Recording]:
    """`audio turns.rttm` a line; paths start from the list's folder, `#` starts a comment."""
    found = []
    for number, (audio, turns) in _pairs(listing, "audio turns.rttm"):
        found.append(Recording(_existing(listing, number, audio), tuple(read_rttm(listing.parent / turns))))
    return found


def load_enrolments(listing: Path) -> list[Enrolment]:
    """`speaker audio` a line; whoever is in no line is a stranger."""
    return [
        Enrolment(speaker, _existing(listing, number, audio))
        for number, (speaker, audio) in _pairs(listing, "speaker audio")
    ]


def _pairs(listing: Path, expected: str) -> list[tuple[int, tuple[str, str]]]:
    try:
        lines = listing.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{listing}: cannot be read as a list of {expected!r}: {error}") from None
    found = []
    for number, line in enumerate(lines, start=1):
        fields = line.partition("#")[0].split()
        if len(fields) == 2:
            found.append((number, (fields[0], fields[1])))
        elif fields:
            raise EvaluationError(f"{listing}:{number}: {len(fields)} fields; expected {expected!r}")
    if not found:
        raise EvaluationError(f"{listing}: is empty; expected lines of {expected!r}")
    return found


def _existing(listing: Path, number: int, audio: str) -> Path:
    path = listing.parent / audio
    if not path.is_file():
        raise EvaluationError(f"{listing}:{number}: {path}: no such file; expected audio")
    return path
