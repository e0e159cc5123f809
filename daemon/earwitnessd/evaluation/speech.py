"""How much speech the recordings of trials hold, as the daemon's gate hears it, and over how much noise."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earwitnessd.evaluation.audio import RATE, crops_of, recordings, span
from earwitnessd.evaluation.metrics import Scores
from earwitnessd.evaluation.trials import Crop, Trial
from earwitnessd.quality import snr_db
from earwitnessd.settings.speech_gate import SpeechGateSettings
from earwitnessd.speech import SpeechGate, open_gate
from earwitnessd.speech.activity import Span, SpeechActivity


@dataclass(frozen=True, slots=True)
class CropQuality:
    """What is known of one crop, whoever speaks in it."""

    speech_s: float
    # net
    snr_db: float | None
    # None: too little speech, or too little else


@dataclass(frozen=True, eq=False, slots=True)
class TrialQuality:
    """One figure a trial, for calibrations that want more than its score."""

    enrolled_s: Scores
    # net speech in the enrolment; NaN: not asked for
    speech_s: Scores
    # in the test recording
    snr_db: Scores
    # of the test recording; NaN: not known


def hear_crops(
    wanted: Collection[Crop],
    trials: list[Trial],
    root: Path,
    listing: Path,
    settings: SpeechGateSettings,
    tick: Callable[[int, int], None],
) -> dict[Crop, CropQuality]:
    """The quality of these crops of a list; a recording is heard once, as far as there are such in it."""
    crops = {crop: line for crop, line in crops_of(trials).items() if crop in wanted}
    gate = open_gate(settings)
    found: dict[Crop, CropQuality] = {}
    for _, group in groupby(recordings(crops, root, listing), key=lambda each: each[0].path):
        members = list(group)
        whole = members[0][1]
        spans = {crop: span(whole, crop) for crop, _ in members}
        first, last = min(start for start, _ in spans.values()), max(stop for _, stop in spans.values())
        speech = speech_spans(whole[first:last], gate, settings)
        for crop, (start, stop) in spans.items():
            inside = _within(speech, start - first, stop - first)
            speech_s = sum(end - begin for begin, end in inside) / RATE
            found[crop] = CropQuality(speech_s, snr_db(whole[start:stop], inside))
        tick(len(found), len(crops))
    return found


def _within(spans: list[Span], start: int, stop: int) -> list[Span]:
    """Spans cut to a stretch, counted from its beginning."""
    return [
        (max(begin, start) - start, min(end, stop) - start)
        for begin, end in spans
        if begin < stop and start < end
    ]


def speech_spans(wave: NDArray[np.float32], gate: SpeechGate, settings: SpeechGateSettings) -> list[Span]:
    """Where somebody speaks in a recording; a rest shorter than a chunk is not heard."""
    gate.reset()
    activity = SpeechActivity(settings, gate.chunk_samples, RATE, keep_s=len(wave) / RATE + 1.0)
    activity.push(0, gate.push(wave))
    return activity.speech_spans(0, len(wave))


def quality_of(trials: list[Trial], heard: Mapping[Crop, CropQuality]) -> TrialQuality:
    """The figures of each trial; every test recording must have been heard."""
    enrolled = [heard.get(trial.enrolment) for trial in trials]
    tests = [heard[trial.test] for trial in trials]
    return TrialQuality(
        enrolled_s=np.array([each.speech_s if each else np.nan for each in enrolled]),
        speech_s=np.array([each.speech_s for each in tests]),
        snr_db=np.array([np.nan if each.snr_db is None else each.snr_db for each in tests]),
    )
