"""The recordings of a trial list as the daemon would hear them: windows, net speech, quality, embeddings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from earwitnessd.calibration.cohort import Vectors, unit
from earwitnessd.capture.messages import RATE, Samples
from earwitnessd.enroll.recording import hear
from earwitnessd.evaluation.audio import crops_of, cut, recordings
from earwitnessd.evaluation.embedding import Embed
from earwitnessd.evaluation.trials import Crop, Trial
from earwitnessd.hearing import HeardWindow
from earwitnessd.settings.root import Settings

ENROL_EVERY_S = 1.5  # an enrolment takes half-overlapping windows


@dataclass(frozen=True, slots=True)
class Part:
    """A window of a recording without its audio."""

    start: int
    stop: int
    speech_s: float
    new_speech_s: float
    snr_db: float | None
    row: int | None
    # of its embedding; None: the daemon would not have used it


@dataclass(frozen=True, eq=False, slots=True)
class Listened:
    """All of a recording that the daemon would use, and what it would pass over."""

    parts: tuple[Part, ...]
    vectors: Vectors

    @property
    def used(self) -> list[Part]:
        """The windows that have an embedding."""
        return [part for part in self.parts if part.row is not None]

    @property
    def whole(self) -> Vectors:
        """One embedding for all of it."""
        return unit(self.vectors.sum(axis=0))

    @property
    def speech_s(self) -> float:
        """Net, in the windows used."""
        first, *later = self.used
        return first.speech_s + sum(part.new_speech_s for part in later)

    @property
    def snr_db(self) -> float | None:
        """The mean of what could be measured."""
        known = [part.snr_db for part in self.used if part.snr_db is not None]
        return float(np.mean(known)) if known else None

    def template(self) -> Vectors:
        """What enrolling this recording would yield."""
        vectors, after = [], 0
        for part in self.used:
            if part.start >= after:
                vectors.append(self.vectors[part.row])
                after = part.start + round(ENROL_EVERY_S * RATE)
        return unit(np.sum(vectors, axis=0))


def listen(
    trials: list[Trial],
    root: Path,
    listing: Path,
    settings: Settings,
    embed: Embed,
    tick: Callable[[int, int], None],
) -> Mapping[Crop, Listened]:
    """Every crop that holds at least one window the daemon would use."""
    crops = crops_of(trials)
    found = {}
    for number, (crop, whole) in enumerate(recordings(crops, root, listing), start=1):
        listened = _listen(list(hear(cut(whole, crop), settings)), embed)
        if listened is not None:
            found[crop] = listened
        tick(number, len(crops))
    return found


def _listen(windows: list[HeardWindow], embed: Embed) -> Listened | None:
    used = [window.window.samples for window in windows if not window.reasons]
    if not used:
        return None
    rows = iter(range(len(used)))
    parts = tuple(
        Part(
            start=heard.window.start,
            stop=heard.window.stop,
            speech_s=heard.speech_s,
            new_speech_s=heard.new_speech_s,
            snr_db=heard.quality.snr_db,
            row=None if heard.reasons else next(rows),
        )
        for heard in windows
    )
    return Listened(parts, np.concatenate([embed(batch) for batch in _batches(used)]))


def _batches(windows: list[Samples], size: int = 32) -> Iterator[Samples]:
    for start in range(0, len(windows), size):
        yield np.stack(windows[start : start + size])
