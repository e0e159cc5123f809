"""Collects the windows of one enrolment session and says whether they make a template: pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from earwitnessd.calibration.cohort import unit
from earwitnessd.channel import NOTHING, Channel, kind_of, speech_powers
from earwitnessd.enroll import words
from earwitnessd.enroll.consistency import Agreements, leave_one_out, lowest_cosine, median_llr
from earwitnessd.enroll.errors import EnrolmentRefusedError
from earwitnessd.enroll.kept_audio import AudioKeeper
from earwitnessd.enroll.likeness import Likeness
from earwitnessd.enroll.second_voice import Stretch, find_second_voice
from earwitnessd.enroll.taken import Taken, TakenWindow, new_speech_of, vectors_of
from earwitnessd.hearing import HeardWindow
from earwitnessd.score import Vector
from earwitnessd.settings.enrolment import Enrolment

STRAY_LLR, STRAY_SLACK = -2.0, 0.15  # a window that fits so badly is left out: a cough, a door


@dataclass(frozen=True, slots=True)
class Progress:
    """After each window."""

    speech_s: float
    hint: str
    windows: int = 0
    # taken
    unusable: int = 0
    # heard, but not taken
    level_dbfs: float | None = None
    # of the last window, as is the next
    snr_db: float | None = None
    session_snr_db: float | None = None
    clipped: float | None = None
    consistency: float | None = None
    consistency_llr: float | None = None
    channel: Channel = ""
    second_voice: Stretch | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Template:
    """What a finished session yields."""

    vector: Vector
    # unit length
    speech_s: float
    windows: int
    consistency: float | None
    # lowest cosine of one window to the mean of the others that share no audio with it
    snr_db: float | None
    self_llr: float | None = None
    # nats: the median window against those
    clipped: float | None = None
    # of the samples
    channel: Channel = ""
    warnings: tuple[str, ...] = ()
    audio: bytes = b""
    # what was said, where the operator allowed keeping it


class Collector:
    """One session of one person."""

    def __init__(self, likeness: Likeness, settings: Enrolment, needed_s: float | None = None) -> None:
        self.needed_s = max(settings.min_speech_s, needed_s or 0.0)
        self._likeness = likeness
        self._settings = settings
        self._taken: list[TakenWindow] = []
        self._unusable: Counter[str] = Counter()
        # windows by the first reason against them
        self._origin: int | None = None
        # where the session began, in samples of its stream
        self._powers = NOTHING
        self._audio = AudioKeeper() if settings.keep_audio else None

    @property
    def speech_s(self) -> float:
        """Net speech that was taken."""
        return float(new_speech_of(self._taken).sum())

    @property
    def enough(self) -> bool:
        """Whether there is as much net speech as is needed, in enough windows for a template."""
        return self.speech_s >= self.needed_s and len(self._taken) >= words.MIN_WINDOWS

    def add(self, heard: HeardWindow, vector: Vector | None) -> None:
        """Take a window, embedded or not."""
        if self._origin is None:
            self._origin = heard.window.start
        if vector is None or heard.reasons:
            self._unusable[heard.reasons[0] if heard.reasons else "not_embedded"] += 1
            return
        start = heard.window.start - self._origin
        taken = TakenWindow(
            start=start,
            stop=start + len(heard.window.samples),
            speech_s=heard.speech_s,
            new_speech_s=heard.new_speech_s,
            clipped=heard.quality.clipping_ratio,
            snr_db=heard.quality.snr_db,
            vector=vector,
        )
        self._taken.append(taken)
        if self._audio:
            self._audio.add(taken, heard.window.samples)
        self._powers = self._powers + speech_powers(heard.window.samples)

    def progress(self, heard: HeardWindow) -> Progress:
        """Where it stands after this window."""
        agreements = leave_one_out(self._taken, self._likeness)
        second = self._second_voice()
        return Progress(
            speech_s=self.speech_s,
            hint=words.hint(heard.reasons, second),
            windows=len(self._taken),
            unusable=self._unusable.total(),
            level_dbfs=heard.quality.level_dbfs,
            snr_db=heard.quality.snr_db,
            session_snr_db=self._snr_db(),
            clipped=self._clipped(),
            consistency=lowest_cosine(agreements),
            consistency_llr=median_llr(agreements),
            channel=kind_of(self._powers),
            second_voice=second,
        )

    def finish(self) -> Template:
        """The template; EnrolmentRefusedError if the session cannot carry one."""
        if not self.enough:
            raise EnrolmentRefusedError(self.missing())
        warnings = self._second_voice_warnings()
        agreements = leave_one_out(self._taken, self._likeness)
        fitting = without_strays(self._taken, agreements, self._likeness)
        snr_db, clipped = self._snr_db(), self._clipped()
        self_llr = median_llr(agreements)
        warnings += words.quality_warnings(snr_db, clipped, self_llr, self._settings.good_snr_db)
        return Template(
            vector=unit(vectors_of(fitting).sum(axis=0)),
            speech_s=self.speech_s,
            windows=len(fitting),
            consistency=lowest_cosine(agreements),
            snr_db=snr_db,
            self_llr=self_llr,
            clipped=clipped,
            channel=kind_of(self._powers),
            warnings=tuple(warnings),
            audio=self._audio.kept() if self._audio else b"",
        )

    def missing(self) -> str:
        """How much more there should be, and what kept windows from counting."""
        unusable = dict(self._unusable.most_common())
        return words.too_little(self.speech_s, self.needed_s, len(self._taken), unusable)

    def _second_voice(self) -> Stretch | None:
        if self._settings.second_voice == "ignore":
            return None
        return find_second_voice(self._taken, self._likeness)

    def _second_voice_warnings(self) -> list[str]:
        stretch = self._second_voice()
        if stretch is None:
            return []
        said = words.second_voice(stretch)
        if stretch.sure and self._settings.second_voice == "refuse":
            raise EnrolmentRefusedError(said)
        return [said]

    def _snr_db(self) -> float | None:
        known = [window.snr_db for window in self._taken if window.snr_db is not None]
        return float(np.median(known)) if known else None

    def _clipped(self) -> float | None:
        return float(np.mean([window.clipped for window in self._taken])) if self._taken else None


def without_strays(taken: Taken, agreements: Agreements, likeness: Likeness) -> Taken:
    """Those that fit the others; all of them if too few do."""
    fitting = [
        window
        for window, agreement in zip(taken, agreements, strict=True)
        if agreement is None or not likeness.falls_below(agreement, STRAY_LLR, STRAY_SLACK)
    ]
    return fitting if len(fitting) >= words.MIN_WINDOWS else taken
