"""Who really spoke when: speaker turns, and the RTTM files they are kept in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from earwitnessd.evaluation.errors import EvaluationError

MERGE_S = 1.0  # a shorter pause does not end a turn
EXPECTED = "SPEAKER file channel start_s duration_s <NA> <NA> speaker <NA> <NA>"


@dataclass(frozen=True, slots=True)
class Turn:
    """One stretch in which somebody speaks."""

    speaker: str
    start_s: float
    stop_s: float

    def overlap_s(self, start_s: float, stop_s: float) -> float:
        """How much of a stretch lies in it."""
        return max(0.0, min(self.stop_s, stop_s) - max(self.start_s, start_s))


def read_rttm(path: Path) -> list[Turn]:
    """The turns of a file, by their beginning; other lines than SPEAKER do not matter."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path}: cannot be read as RTTM: {error}") from None
    turns = []
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split()
        if fields and fields[0] == "SPEAKER":
            try:
                start_s, duration_s, speaker = float(fields[3]), float(fields[4]), fields[7]
            except (IndexError, ValueError):
                raise EvaluationError(f"{path}:{number}: expected {EXPECTED!r}") from None
            if not (0 <= start_s < float("inf") and 0 < duration_s < float("inf")):
                raise EvaluationError(
                    f"{path}:{number}: turn {fields[3]} {fields[4]}; expected start ≥ 0, duration > 0 seconds"
                )
            turns.append(Turn(speaker, start_s, start_s + duration_s))
    if not turns:
        raise EvaluationError(f"{path}: holds no turn; expected {EXPECTED!r}")
    return sorted(turns, key=lambda turn: (turn.start_s, turn.stop_s))


def write_rttm(path: Path, name: str, turns: Iterable[Turn]) -> None:
    """One line a turn; `name` is the recording's."""
    with path.open("w", encoding="utf-8") as file:
        for turn in turns:
            duration_s = turn.stop_s - turn.start_s
            file.write(
                f"SPEAKER {name} 1 {turn.start_s:.3f} {duration_s:.3f} <NA> <NA> {turn.speaker} <NA> <NA>\n"
            )


def merged(turns: Sequence[Turn]) -> list[Turn]:
    """Turns of one speaker with only a short pause between them are one, whoever speaks in the pause."""
    last: dict[str, int] = {}
    found: list[Turn] = []
    for turn in sorted(turns, key=lambda turn: turn.start_s):
        index = last.get(turn.speaker)
        if index is not None and turn.start_s - found[index].stop_s < MERGE_S:
            stop_s = max(found[index].stop_s, turn.stop_s)
            found[index] = Turn(turn.speaker, found[index].start_s, stop_s)
        else:
            last[turn.speaker] = len(found)
            found.append(turn)
    return found
