"""Read lists of trials: do two recordings hold the same speaker?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from earwitnessd.evaluation.bootstrap import Speakers
from earwitnessd.evaluation.errors import EvaluationError

WHOLE = "label path path"
CROPPED = "label path start dur path start dur"


@dataclass(frozen=True, order=True)
class Crop:
    """A stretch of an audio file."""

    path: str
    # relative to the root
    start_s: float = 0.0
    duration_s: float = 0.0
    # 0: to the end


@dataclass(frozen=True)
class Trial:
    """Two crops, and whether one speaker speaks in both."""

    target: bool
    enrolment: Crop
    test: Crop
    line: int
    # in the list, from 1

    @property
    def corpus(self) -> str:
        """The first component of the enrolment's path."""
        return self.enrolment.path.split("/")[0]


def load_trials(path: Path) -> list[Trial]:
    """All trials of a list, in its order; `#` starts a comment."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path}: cannot be read as a trial list: {error}") from None
    trials = []
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.partition("#")[0].split()
        if fields:
            try:
                trials.append(_trial(fields, number))
            except ValueError as error:
                raise EvaluationError(f"{path}:{number}: {error}") from None
    if not any(trial.target for trial in trials) or all(trial.target for trial in trials):
        raise EvaluationError(f"{path}: expected at least one target (1) and one non-target (0) trial")
    return trials


def speakers_of(trials: list[Trial]) -> Speakers | None:
    """Who speaks in each trial, if folders tell: one speaker a folder, at a depth that fits every label."""
    deepest = min(len(_folders(crop)) for trial in trials for crop in (trial.enrolment, trial.test))
    for depth in range(1, deepest + 1):
        pairs = [(_folders(trial.enrolment)[:depth], _folders(trial.test)[:depth]) for trial in trials]
        if all((ours == theirs) == trial.target for (ours, theirs), trial in zip(pairs, trials, strict=True)):
            number = {
                name: index for index, name in enumerate(sorted({name for pair in pairs for name in pair}))
            }
            return Speakers(
                np.array([number[ours] for ours, _ in pairs]),
                np.array([number[theirs] for _, theirs in pairs]),
            )
    return None


def _folders(crop: Crop) -> tuple[str, ...]:
    return tuple(crop.path.split("/")[:-1])


def _trial(fields: list[str], number: int) -> Trial:
    if len(fields) not in {3, 7}:
        raise ValueError(f"{len(fields)} fields; expected {WHOLE!r} or {CROPPED!r}")
    if fields[0] not in {"0", "1"}:
        raise ValueError(f"label {fields[0]!r}; expected 1 (same speaker) or 0")
    if len(fields) == 3:
        return Trial(fields[0] == "1", Crop(fields[1]), Crop(fields[2]), number)
    return Trial(fields[0] == "1", _crop(*fields[1:4]), _crop(*fields[4:7]), number)


def _crop(path: str, start: str, duration: str) -> Crop:
    try:
        start_s, duration_s = float(start), float(duration)
    except ValueError:
        raise ValueError(f"crop {start!r} {duration!r}; expected start and duration in seconds") from None
    if not (0 <= start_s < float("inf") and 0 < duration_s < float("inf")):
        raise ValueError(f"crop {start} {duration}; expected start ≥ 0 and duration > 0 seconds")
    return Crop(path, start_s, duration_s)
