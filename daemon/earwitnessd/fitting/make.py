"""From a trial list and a cohort to a calibration that names what it rests on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from earwitnessd.calibration import Calibration, Cohort
from earwitnessd.calibration.calibration import VERSION
from earwitnessd.calibration.files import packed_cohort
from earwitnessd.evaluation.embedding import Embed
from earwitnessd.evaluation.trials import load_trials
from earwitnessd.fitting.fit import PRIOR, Fitted, fit
from earwitnessd.fitting.hearing import listen
from earwitnessd.fitting.observed import observe
from earwitnessd.settings.root import Settings


@dataclass(frozen=True, eq=False, slots=True)
class Made:
    """What is laid beside a model."""

    calibration: Calibration
    cohort: bytes
    # the file
    fitted: Fitted
    unheard: int
    # trials left out: too little speech


def make_calibration(
    listing: Path,
    root: Path,
    settings: Settings,
    cohort: Cohort,
    embed: Embed,
    *,
    about: str,
    today: str,
    tick: Callable[[int, int], None],
) -> Made:
    """Listen, score, fit and measure; `about` describes the trials and the cohort for people."""
    trials = load_trials(listing)
    heard = listen(trials, root, listing, settings, embed, tick)
    file = packed_cohort(cohort, about)
    observed = observe(trials, heard, cohort)
    fitted = fit(observed, settings.windows.hop_s, settings.decision.half_life_s)
    calibration = Calibration(
        version=VERSION,
        model_id=cohort.model_id,
        cohort_sha256=hashlib.sha256(file).hexdigest(),
        weights=fitted.weights,
        trials=fitted.trials,
        turns=fitted.turns,
        window_correlation=fitted.window_correlation,
        threshold=fitted.threshold,
        prior=PRIOR,
        data=about,
        made=today,
        figures=fitted.figures,
    )
    return Made(calibration, file, fitted, len(trials) - len(observed))
