"""Sum up the scores of a trial list, pooled and per corpus."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from earwitnessd.evaluation.metrics import equal_error_rate, minimum_cost
from earwitnessd.evaluation.trials import Crop, Trial

PRIORS = {"0.01": 0.01, "0.05": 0.05}


class Summary(msgspec.Struct, frozen=True):
    """The errors over one set of trials."""

    trials: int
    eer: float | None
    # fraction; none where a corpus has only targets or only non-targets
    min_dcf: dict[str, float] | None
    # by prior of a target


class Report(msgspec.Struct, frozen=True):
    """What `earwitnessd evaluate` found."""

    model: str
    trials: int
    eer: float
    # fraction
    min_dcf: dict[str, float]
    corpora: dict[str, Summary]
    seconds: float
    # wall time of the whole evaluation
    rtf: float
    # seconds of computing embeddings per second of audio embedded


def scores_of(trials: list[Trial], vectors: dict[Crop, NDArray[np.float32]]) -> NDArray[np.float64]:
    """The cosine of each trial."""
    return np.array([vectors[t.enrolment] @ vectors[t.test] for t in trials], dtype=np.float64)


def summarise(trials: list[Trial], scores: NDArray[np.float64]) -> Summary:
    """The errors of scored trials."""
    target = np.array([trial.target for trial in trials])
    if target.all() or not target.any():
        return Summary(len(trials), None, None)
    costs = {name: minimum_cost(scores, target, prior) for name, prior in PRIORS.items()}
    return Summary(len(trials), equal_error_rate(scores, target), costs)


def report_on(
    trials: list[Trial], scores: NDArray[np.float64], model: str, seconds: float, rtf: float
) -> Report:
    """Everything about one list; the corpora in alphabetical order."""
    pooled = summarise(trials, scores)
    assert pooled.eer is not None  # a list without targets or non-targets does not load
    assert pooled.min_dcf is not None
    corpora = {}
    for corpus in sorted({trial.corpus for trial in trials}):
        chosen = [index for index, trial in enumerate(trials) if trial.corpus == corpus]
        corpora[corpus] = summarise([trials[index] for index in chosen], scores[chosen])
    return Report(model, len(trials), pooled.eer, pooled.min_dcf, corpora, seconds, rtf)
