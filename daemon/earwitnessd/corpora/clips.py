"""The utterances in a folder of speakers, and who says each."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from earwitnessd.corpora.errors import CorpusError

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3"}
INDEX = "index.tsv"
COLUMNS = ("file", "speaker", "start_s", "dur_s")


@dataclass(frozen=True, slots=True)
class Clip:
    """One utterance of one speaker inside an audio file."""

    speaker: str
    # of an index, `corpus/name`
    file: str
    # below the folder
    start_s: float = 0.0
    duration_s: float | None = None
    # None: to the end of the file

    @property
    def corpus(self) -> str:
        """The first component of the speaker's name."""
        return self.speaker.split("/")[0]

    def cut(self, samples: int, rate: int) -> slice:
        """Where it lies in its file, of so many samples."""
        start = round(self.start_s * rate)
        return slice(start, samples if self.duration_s is None else start + round(self.duration_s * rate))


def clips_in(folder: Path) -> list[Clip]:
    """Those that `index.tsv` lists, or every audio file below a folder for each speaker."""
    index = folder / INDEX
    return list(_indexed(index) if index.exists() else _by_folder(folder))


def audio_files(folder: Path) -> list[Path]:
    """At any depth, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)


def _indexed(table: Path) -> Iterator[Clip]:
    with table.open(newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines, delimiter="\t")
        if missing := set(COLUMNS) - set(rows.fieldnames or ()):
            raise CorpusError(
                f"{table}:1: lacks {', '.join(sorted(missing))}; expected the columns {', '.join(COLUMNS)}"
            )
        for number, row in enumerate(rows, start=2):
            try:
                yield Clip(row["speaker"], row["file"], float(row["start_s"]), float(row["dur_s"]) or None)
            except (TypeError, ValueError):
                found = f"start_s {row['start_s']!r}, dur_s {row['dur_s']!r}"
                raise CorpusError(f"{table}:{number}: {found}; expected seconds") from None


def _by_folder(folder: Path) -> Iterator[Clip]:
    for file in audio_files(folder):
        path = file.relative_to(folder)
        if len(path.parts) > 1:
            yield Clip(path.parts[0], path.as_posix())
