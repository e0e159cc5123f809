"""Collects the windows of one enrolment session and says whether they make a template: pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from earwitnessd.hearing import HeardWindow
from earwitnessd.score import ProfileMatrix, Vector

OTHER_VOICE_WINDOWS = 2  # so many windows in a row that do not fit are a second voice
SAME_VOICE_SLACK = 0.15
# a window may be this much less like the session so far than a verified one is like its profile:
# at the beginning, the session so far is a single window
MIN_WINDOWS = 3
HINTS = {
    "too_little_speech": "keep talking",
    "gap": "audio was lost: keep talking",
    "clipped": "too loud: move away from the microphone",
    "low_snr": "too noisy: move closer to the microphone or find a quieter place",
    "not_finite": "the device delivers garbage",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """After each window."""

    speech_s: float
    hint: str
    level_dbfs: float | None
    snr_db: float | None
    consistency: float | None


@dataclass(frozen=True, eq=False, slots=True)
class Template:
    """What a finished enrolment yields."""

    vector: Vector
    # unit length
    speech_s: float
    windows: int
    consistency: float
    # lowest cosine of one window to the mean of the others
    snr_db: float | None


class EnrolmentRefusedError(Exception):
    """This audio makes no template: says why and what to do."""


class Collector:
    """One session of one person; `threshold` is the cosine that verification asks for."""

    def __init__(self, threshold: float) -> None:
        self.speech_s = 0.0
        self._same_voice = threshold - SAME_VOICE_SLACK
        self._vectors: list[Vector] = []
        self._snrs_db: list[float] = []
        self._strangers = 0

    def has(self, speech_s: float) -> bool:
        """Whether there is so much net speech, in enough windows for a template."""
        return self.speech_s >= speech_s and len(self._vectors) >= MIN_WINDOWS

    def add(self, heard: HeardWindow, vector: Vector | None) -> Progress:
        """Take a window, embedded or not; EnrolmentRefusedError on a second voice."""
        hint = next((HINTS[reason] for reason in heard.reasons if reason in HINTS), "keep talking")
        if vector is not None and not heard.reasons:
            self._take(heard, vector)
        return Progress(
            speech_s=self.speech_s,
            hint=hint,
            level_dbfs=heard.quality.level_dbfs,
            snr_db=heard.quality.snr_db,
            consistency=self._consistency(),
        )

    def finish(self) -> Template:
        """The template; EnrolmentRefusedError if the session cannot carry one."""
        if len(self._vectors) < MIN_WINDOWS:
            raise EnrolmentRefusedError(
                f"only {len(self._vectors)} usable windows with {self.speech_s:.1f} s of speech: "
                f"need {MIN_WINDOWS}. Speak longer, in a quiet place"
            )
        consistency = self._consistency()
        assert consistency is not None
        return Template(
            vector=_unit(np.sum(self._vectors, axis=0)),
            speech_s=self.speech_s,
            windows=len(self._vectors),
            consistency=consistency,
            snr_db=float(np.median(self._snrs_db)) if self._snrs_db else None,
        )

    def _take(self, heard: HeardWindow, vector: Vector) -> None:
        if self._vectors and float(_unit(np.sum(self._vectors, axis=0)) @ vector) < self._same_voice:
            self._strangers += 1
            if self._strangers >= OTHER_VOICE_WINDOWS:
                raise EnrolmentRefusedError(
                    "a second voice is in this recording: enrol one person alone, without radio or television"
                )
            return
        self._strangers = 0
        self.speech_s += heard.new_speech_s if self._vectors else heard.speech_s
        self._vectors.append(vector)
        if heard.quality.snr_db is not None:
            self._snrs_db.append(heard.quality.snr_db)

    def _consistency(self) -> float | None:
        if len(self._vectors) < MIN_WINDOWS:
            return None
        vectors = np.array(self._vectors)
        others = vectors.sum(axis=0) - vectors
        cosines = np.sum(others * vectors, axis=1) / np.linalg.norm(others, axis=1)
        return float(cosines.min())


def nearest_other(matrix: ProfileMatrix, name: str, vector: Vector) -> tuple[str, float] | None:
    """The other person that this template sounds most like."""
    others = [score for score in matrix.scores(vector) if score.speaker != name]
    return (others[0].speaker, others[0].cosine) if others else None


def _unit(vector: Vector) -> Vector:
    return (vector / np.linalg.norm(vector)).astype(np.float32)
