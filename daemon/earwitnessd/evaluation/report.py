"""Sum up the scores of a trial list: pooled, by corpus and by net speech."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from earwitnessd.evaluation.bootstrap import Speakers, interval
from earwitnessd.evaluation.likelihood import cllr, minimum_cllr
from earwitnessd.evaluation.metrics import (
    Labels,
    Scores,
    actual_cost,
    both_kinds,
    equal_error_rate,
    minimum_cost,
    misses_at,
    rates_at,
    threshold_at,
)
from earwitnessd.evaluation.speech import TrialQuality
from earwitnessd.evaluation.trials import Crop, Trial, speakers_of

PRIORS = {"0.01": 0.01, "0.05": 0.05}
FALSE_MATCH_RATES = {"0.01": 1e-2, "0.001": 1e-3, "0.0001": 1e-4}
NET_SPEECH_S = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, float("inf"))


class Rate(msgspec.Struct, frozen=True):
    """A share of trials, and how sure that is."""

    rate: float
    low: float
    # 95 % interval from resampling
    high: float


class OperatingPoint(msgspec.Struct, frozen=True):
    """What comes of accepting from an LLR on."""

    llr: float
    fmr: float
    # fraction
    false_matches: int
    fnmr: float
    # fraction


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The errors over one set of trials; none where it has only targets or only non-targets."""

    trials: int
    targets: int
    eer: float | None
    # fraction
    min_dcf: dict[str, float] | None
    # by prior of a target
    act_dcf: dict[str, float] | None
    # the same at the Bayes threshold of the LLRs; none without calibration
    cllr: float | None
    # bits; none without calibration
    min_cllr: float | None
    # bits; after the best monotone mapping of these scores
    calibration_loss: float | None
    # bits; cllr - min_cllr
    fnmr: dict[str, Rate | None] | None
    # by false-match rate; none where there are too few non-targets to say
    thresholds: dict[str, float | None] | None
    # the lowest cosine of that false-match rate
    operating_points: dict[str, OperatingPoint] | None
    # by target false-match rate: what the calibration asks for, and what comes of it


class Report(Summary, frozen=True, kw_only=True):
    """What `earwitnessd evaluate` found."""

    model: str
    calibration: str | None
    # which one made LLRs of the cosines
    resampled: str
    # "speaker" or "trial": what the intervals drew
    corpora: dict[str, Summary]
    durations: dict[str, Summary]
    # by net speech in the test recording
    seconds: float
    # wall time of the whole evaluation
    rtf: float
    # seconds of computing embeddings per second of audio embedded


@dataclass(frozen=True, eq=False, slots=True)
class Judged:
    """Trials with their scores, and with LLRs where there is a calibration."""

    target: Labels
    scores: Scores
    # cosines
    llrs: Scores | None
    speakers: Speakers | None
    # None: nobody knows
    bars: dict[str, float]
    # LLR that the calibration asks for, by target false-match rate

    def __getitem__(self, chosen: NDArray[np.intp] | Labels) -> Judged:
        """Some of the trials."""
        return Judged(
            self.target[chosen],
            self.scores[chosen],
            None if self.llrs is None else self.llrs[chosen],
            None if self.speakers is None else self.speakers[chosen],
            self.bars,
        )


def scores_of(trials: list[Trial], vectors: dict[Crop, NDArray[np.float32]]) -> Scores:
    """The cosine of each trial."""
    return np.array([vectors[t.enrolment] @ vectors[t.test] for t in trials], dtype=np.float64)


def judge(
    trials: list[Trial], scores: Scores, llrs: Scores | None = None, bars: dict[str, float] | None = None
) -> Judged:
    """All that figures and pictures are made from."""
    target = np.array([trial.target for trial in trials], dtype=bool)
    return Judged(target, scores, llrs, speakers_of(trials), bars or {})


def summarise(judged: Judged) -> Summary:
    """The errors of judged trials."""
    target, scores, llrs = judged.target, judged.scores, judged.llrs
    if not both_kinds(target):
        nothing = dict.fromkeys(Summary.__struct_fields__)
        return msgspec.convert({**nothing, "trials": len(target), "targets": int(target.sum())}, Summary)
    ranking = scores if llrs is None else llrs
    said, possible = None if llrs is None else cllr(llrs, target), minimum_cllr(ranking, target)
    return Summary(
        trials=len(target),
        targets=int(target.sum()),
        eer=equal_error_rate(ranking, target),
        min_dcf={name: minimum_cost(ranking, target, prior) for name, prior in PRIORS.items()},
        act_dcf=None
        if llrs is None
        else {name: actual_cost(llrs, target, prior) for name, prior in PRIORS.items()},
        cllr=said,
        min_cllr=possible,
        calibration_loss=None if said is None else said - possible,
        fnmr={name: _fnmr(judged, ranking, rate) for name, rate in FALSE_MATCH_RATES.items()},
        thresholds={
            name: threshold_at(scores, target, rate) if _enough(target, rate) else None
            for name, rate in FALSE_MATCH_RATES.items()
        },
        operating_points=None
        if llrs is None
        else {name: _reached(llrs, target, bar) for name, bar in judged.bars.items()},
    )


def report_on(
    trials: list[Trial],
    judged: Judged,
    quality: TrialQuality | None,
    *,
    model: str,
    calibration: str | None,
    seconds: float,
    rtf: float,
) -> Report:
    """Everything about one list; the corpora in alphabetical order."""
    pooled = summarise(judged)
    assert pooled.eer is not None  # a list without targets or non-targets does not load
    corpora = _split(judged, [trial.corpus for trial in trials])
    durations = _split(judged, duration_names(quality.speech_s)) if quality else {}
    return Report(
        **msgspec.structs.asdict(pooled),
        model=model,
        calibration=calibration,
        resampled="trial" if judged.speakers is None else "speaker",
        corpora={name: corpora[name] for name in sorted(corpora)},
        durations={name: durations[name] for name in DURATIONS if name in durations},
        seconds=seconds,
        rtf=rtf,
    )


def duration_names(speech_s: Scores) -> list[str]:
    """The class of each duration."""
    return [DURATIONS[index] for index in np.digitize(speech_s, NET_SPEECH_S[1:-1]).tolist()]


def _split(judged: Judged, names: Iterable[str]) -> dict[str, Summary]:
    chosen: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        chosen.setdefault(name, []).append(index)
    return {name: summarise(judged[np.array(indices)]) for name, indices in chosen.items()}


def _fnmr(judged: Judged, ranking: Scores, false_match_rate: float) -> Rate | None:
    target = judged.target
    if not _enough(target, false_match_rate):
        return None
    statistic = partial(misses_at, ranking, target, false_match_rate)
    return Rate(statistic(), *interval(statistic, target, judged.speakers))


def _reached(llrs: Scores, target: Labels, llr: float) -> OperatingPoint:
    miss, false_match = rates_at(llrs, target, llr)
    return OperatingPoint(llr, false_match, int((llrs[~target] >= llr).sum()), miss)


def _enough(target: Labels, false_match_rate: float) -> bool:
    """With fewer non-targets, not even one may pass: the threshold is only the highest score seen."""
    return int((~target).sum()) * false_match_rate >= 1.0


def _duration_name(low: float, high: float) -> str:
    if low == 0.0:
        return f"under {high:g} s"
    return f"{low:g} s and more" if high == float("inf") else f"{low:g} to {high:g} s"


DURATIONS = tuple(_duration_name(low, high) for low, high in pairwise(NET_SPEECH_S))
