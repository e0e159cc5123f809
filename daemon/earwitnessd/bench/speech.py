"""What the streams say during a measurement: the demo's voices, or recordings of your own."""

from __future__ import annotations

from pathlib import Path

from earwitnessd.bench.errors import BenchError
from earwitnessd.demo.conversation import FOLDER, Conversation, load_conversation

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3"})


def voices() -> dict[str, Path]:
    """Who is enrolled, and from what."""
    return {each.speaker: FOLDER / each.file for each in load_conversation().enrolments}


def recordings(given: Path | None, *, pauses: bool) -> list[Path]:
    """What the streams play in turn; of the bundled, a conversation with pauses or speech without any."""
    if given is None:
        bundled: Conversation = load_conversation()
        return [FOLDER / bundled.file] if pauses else list(voices().values())
    if given.is_file():
        return [given.resolve()]
    if not given.is_dir():
        raise BenchError(f"{given}: there is no such file or folder")
    found = sorted(file.resolve() for file in given.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not found:
        raise BenchError(f"{given}: no sound files in it ({', '.join(sorted(SUFFIXES))})")
    return found
