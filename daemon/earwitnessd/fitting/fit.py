"""Fits a calibration to observed trials, and measures it on speakers it was not fitted on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earwitnessd.calibration import CalibrationError, Figures, Points, Share, Weights
from earwitnessd.calibration.calibration import LLR_LIMIT, llr_of
from earwitnessd.decision import Bounds, Evidence, Memory
from earwitnessd.decision.sequential import added, passed_over
from earwitnessd.evaluation.likelihood import cllr, minimum_cllr
from earwitnessd.evaluation.metrics import equal_error_rate, threshold_at
from earwitnessd.fitting.observed import Floats, Observed, thinned
from earwitnessd.fitting.regression import fit_logistic
from earwitnessd.score import Score, Scores

Bools = npt.NDArray[np.bool_]

PRIOR = 0.1
# of a target: mostly strangers, as there are where false matches matter
RIDGE = np.array([1e-3, 1e-3, 1e-3, 1e-2, 1e-2, 5e-2])
# on score, oddity, cosine, length, duration and cleanness: corpora differ by chance, too
COSINE = 2  # its column
SPLITS = 4  # times that the speakers are split in halves, to fit on one and measure on the other
SEED = 20_2611
LEAST_SPEAKERS, LEAST_TARGETS, LEAST_NON_TARGETS = 10, 50, 200
SHARES = (0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.003, 0.002, 0.001, 0.0005, 0.0002, 0.0001)
LEAST_BEYOND = 8  # trials beyond a point of a distribution, for it to be worth telling
FALSE_MATCH_RATE = 0.01


@dataclass(frozen=True, slots=True)
class Fitted:
    """Everything of a calibration that comes from its trials."""

    weights: Weights
    window_correlation: float
    threshold: float
    trials: Points
    turns: Points
    figures: Figures

    @property
    def lowest_fmr(self) -> float:
        """Below this target false-match rate, the trials are too few to say what is reached."""
        return self.turns.strangers[-1].share


@dataclass(frozen=True, eq=False, slots=True)
class Unseen:
    """What weights say of trials whose speakers they were not fitted on."""

    target: Bools
    whole: Floats
    # LLR of each recording
    highest: Floats
    lowest: Floats
    # that the sequential test says within it


def fit(trials: Sequence[Observed], hop_s: float, half_life_s: float) -> Fitted:
    """Weights from all trials; figures, correlation and points from halves of the speakers."""
    speakers = np.array([trial.speakers for trial in trials]).reshape(-1, 2)
    target = np.array([trial.target for trial in trials], dtype=bool)
    people = len(np.unique(speakers))
    _check_enough(people, int(target.sum()), int((~target).sum()))
    unseen, correlations = [], []
    for split in range(SPLITS):
        sides = _halves(int(speakers.max()) + 1, SEED + split)[speakers]
        for side in (0, 1):
            ours = [trial for trial, at in zip(trials, sides, strict=True) if (at == side).all()]
            others = [trial for trial, at in zip(trials, sides, strict=True) if (at != side).all()]
            _check_half(ours, others)
            weights = _regress(ours, hop_s)
            correlations.append(_correlation(ours, weights))
            unseen.append(_judge(others, weights, correlations[-1], half_life_s))
    targets, strangers = int(target.sum()), int((~target).sum())
    told = [each.target for each in unseen]
    return Fitted(
        weights=_regress(trials, hop_s),
        window_correlation=round(float(np.mean(correlations)), 3),
        threshold=round(_threshold(trials), 3),
        trials=_points(
            told, [each.whole for each in unseen], [each.whole for each in unseen], targets, strangers
        ),
        turns=_points(
            told, [each.highest for each in unseen], [each.lowest for each in unseen], targets, strangers
        ),
        figures=Figures(
            trials=len(trials),
            targets=targets,
            speakers=people,
            eer=_mean(equal_error_rate(each.whole, each.target) for each in unseen),
            cllr=_mean(cllr(each.whole, each.target) for each in unseen),
            min_cllr=_mean(minimum_cllr(each.whole, each.target) for each in unseen),
        ),
    )


def _halves(speakers: int, seed: int) -> npt.NDArray[np.int64]:
    """A side for each speaker. Neighbours by path are of one corpus: each half gets one of each pair."""
    first = np.random.default_rng(seed).integers(2, size=(speakers + 1) // 2)
    return np.column_stack([first, 1 - first]).ravel()[:speakers]


def _check_enough(speakers: int, targets: int, strangers: int) -> None:
    if speakers < LEAST_SPEAKERS or targets < LEAST_TARGETS or strangers < LEAST_NON_TARGETS:
        raise CalibrationError(
            f"too few trials: {targets} of the same speaker and {strangers} of different ones, {speakers} "
            f"speakers in all, in recordings with enough speech; need at least {LEAST_TARGETS}, "
            f"{LEAST_NON_TARGETS} and {LEAST_SPEAKERS}. "
            "Record more people, or use the model's own calibration"
        )


def _check_half(*halves: Sequence[Observed]) -> None:
    for half in halves:
        if len({trial.target for trial in half}) < 2:
            raise CalibrationError(
                "too few trials: half of the speakers have no trials of both kinds among themselves. "
                "Record more people, or list more pairs of the same people"
            )


def _regress(trials: Sequence[Observed], hop_s: float) -> Weights:
    """On windows and on whole recordings alike: the daemon decides by the ones, reports by the others.

    Both the normalised score and the plain cosine have to speak for somebody: what few trials make of two
    that say nearly the same may be a difference of the two, and then the cosine is left out.
    """
    features, target, shares = [], [], []
    for trial in trials:
        windows = thinned(trial, hop_s)
        features += [*windows, trial.whole]
        shares += [1.0 / len(windows)] * len(windows) + [1.0]
        target += [trial.target] * (len(windows) + 1)
    rows, told, weights = np.array(features), np.array(target), np.array(shares)
    fitted = _weights(*fit_logistic(rows, told, weights=weights, prior=PRIOR, ridge=RIDGE))
    if fitted.score > 0.0 and fitted.cosine >= 0.0:
        return fitted
    rows[:, COSINE] = 0.0
    return _weights(*fit_logistic(rows, told, weights=weights, prior=PRIOR, ridge=RIDGE))


def _weights(intercept: float, coefficients: Floats) -> Weights:
    score, oddity, cosine, enrolled, speech, snr = coefficients.tolist()
    return Weights(
        intercept=round(intercept, 4),
        score=round(score, 4),
        oddity=round(oddity / score, 4) if score > 0 else 0.0,
        cosine=round(cosine / score, 4) if score > 0 else 0.0,
        enrolled=round(enrolled, 4),
        speech=round(speech, 4),
        snr=round(snr, 4),
    )


def _llrs(weights: Weights, features: Floats) -> Floats:
    return np.array([llr_of(weights, *row) for row in np.atleast_2d(features)])


def _correlation(trials: Sequence[Observed], weights: Weights) -> float:
    """Between the LLRs of two windows of a recording that share no audio, within each kind of trial."""
    said = [_llrs(weights, trial.features) for trial in trials]
    middle = {
        kind: float(
            np.mean([llrs.mean() for llrs, each in zip(said, trials, strict=True) if each.target == kind])
        )
        for kind in (True, False)
    }
    together, apart = [], []
    for llrs, trial in zip(said, trials, strict=True):
        used = [part for part in trial.parts if part.row is not None]
        off = llrs - middle[trial.target]
        apart += list(np.square(off))
        together += [
            off[first] * off[second]
            for first in range(len(used))
            for second in range(first + 1, len(used))
            if used[second].start >= used[first].stop
        ]
    if not together:
        return 1.0  # nothing is known of longer recordings: count no window twice
    return float(np.clip(np.mean(together) / np.mean(apart), 0.1, 1.0))


def _judge(trials: Sequence[Observed], weights: Weights, correlation: float, half_life_s: float) -> Unseen:
    bounds = Bounds(LLR_LIMIT, -LLR_LIMIT, 0.0, correlation, half_life_s, 0.5)
    runs = [_run(trial, weights, bounds) for trial in trials]
    return Unseen(
        target=np.array([trial.target for trial in trials], dtype=bool),
        whole=np.array([llr_of(weights, *trial.whole) for trial in trials]),
        highest=np.array([max(run) for run in runs]),
        lowest=np.array([min(run) for run in runs]),
    )


def _run(trial: Observed, weights: Weights, bounds: Bounds) -> list[float]:
    """The sequential test's evidence after each window of a recording."""
    memory, said = Memory(), []
    for part in trial.parts:
        if part.row is None:
            memory = passed_over(
                memory, _evidence(part.start, part.stop, part.speech_s, part.new_speech_s), bounds
            )
            continue
        llr = llr_of(weights, *trial.features[part.row])
        score = Score("", float(trial.cosines[part.row]), float(trial.features[part.row][0]), llr)
        memory = added(
            memory, _evidence(part.start, part.stop, part.speech_s, part.new_speech_s, score), bounds
        )
        said.append(memory.llrs(bounds)[""])
    return said


def _evidence(start: int, stop: int, speech_s: float, new_speech_s: float, *scores: Score) -> Evidence:
    return Evidence("", "", start, stop, speech_s, new_speech_s, Scores.listed(scores), ())


def _points(
    target: list[Bools], highest: list[Floats], lowest: list[Floats], targets: int, strangers: int
) -> Points:
    """`targets` and `strangers` count each trial once, however often the splits have judged it."""
    told = np.concatenate(target)
    above, below = np.concatenate(highest)[~told], np.concatenate(lowest)[told]
    return Points(
        strangers=tuple(
            Share(share=share, llr=round(float(np.quantile(above, 1.0 - share)), 3))
            for share in SHARES
            if share * strangers >= LEAST_BEYOND
        ),
        enrolled=tuple(
            Share(share=share, llr=round(float(np.quantile(below, share)), 3))
            for share in SHARES
            if share * targets >= LEAST_BEYOND
        ),
    )


def _threshold(trials: Sequence[Observed]) -> float:
    cosines = np.concatenate([trial.cosines for trial in trials])
    target = np.concatenate([np.full(len(trial.cosines), trial.target) for trial in trials])
    return threshold_at(cosines, target, FALSE_MATCH_RATE)


def _mean(figures: Iterable[float]) -> float:
    return round(float(np.mean(list(figures))), 4)
