"""What the trials of a list score, window by window and as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earwitnessd.calibration.calibration import length_term, quality_terms
from earwitnessd.calibration.calibrator import RowStatistics, normalised_scores, row_statistics, tenths
from earwitnessd.calibration.cohort import Cohort, Vectors
from earwitnessd.evaluation.trials import Crop, Trial
from earwitnessd.fitting.hearing import Listened, Part

Floats = npt.NDArray[np.float64]
MOST_WINDOWS = 6  # of one trial in the regression: the others tell nearly the same
WINDOW_STEP_S = 1.5


@dataclass(frozen=True, eq=False, slots=True)
class Observed:
    """One trial whose two recordings could both be heard."""

    target: bool
    speakers: tuple[int, int]
    # who enrolled and who speaks
    parts: tuple[Part, ...]
    features: Floats
    # (windows used, 6): normalised score, oddity, plain cosine, length of the enrolment, duration, cleanness
    cosines: Floats
    # (windows used)
    whole: Floats
    # (6): the features of all windows taken together


def observe(trials: Sequence[Trial], heard: Mapping[Crop, Listened], cohort: Cohort) -> list[Observed]:
    """Score every trial whose recordings hold enough speech."""
    speakers = _speakers(trials)
    templates: dict[Crop, tuple[Vectors, RowStatistics]] = {}
    found = []
    for trial in trials:
        ours, theirs = heard.get(trial.enrolment), heard.get(trial.test)
        if ours is None or theirs is None:
            continue
        if trial.enrolment not in templates:
            template = ours.template()
            templates[trial.enrolment] = template, row_statistics(cohort, template[np.newaxis])
        template, rows = templates[trial.enrolment]

        def features(
            vector: Vectors,
            speech_s: float,
            snr_db: float | None,
            rows: RowStatistics = rows,
            enrolled_s: float = ours.speech_s,
        ) -> tuple[float, ...]:
            window = row_statistics(cohort, vector[np.newaxis])
            ours, theirs = rows.sides, window.sides
            scored = (
                normalised_scores(cohort, rows, window),
                ours.oddity + theirs.oddity,
                tenths(rows.centred @ window.centred[0], ours.distance, float(theirs.distance[0])),
            )
            recorded = length_term(enrolled_s), *quality_terms(speech_s, snr_db)
            return *(float(value[0]) for value in scored), *recorded

        found.append(
            Observed(
                target=trial.target,
                speakers=(speakers[trial.enrolment], speakers[trial.test]),
                parts=theirs.parts,
                features=np.array(
                    [features(theirs.vectors[part.row], part.speech_s, part.snr_db) for part in theirs.used]
                ),
                cosines=np.asarray(theirs.vectors @ template, dtype=np.float64),
                whole=np.array(features(theirs.whole, theirs.speech_s, theirs.snr_db)),
            )
        )
    return found


def thinned(trial: Observed, hop_s: float) -> Floats:
    """Some of a trial's windows that overlap little."""
    step = max(1, round(WINDOW_STEP_S / hop_s))
    return trial.features[::step][:MOST_WINDOWS]


def _speakers(trials: Sequence[Trial]) -> dict[Crop, int]:
    """Numbers for the people that the target trials tell apart."""
    boss: dict[str, str] = {}

    def find(path: str) -> str:
        while boss.setdefault(path, path) != path:
            boss[path] = boss[boss[path]]
            path = boss[path]
        return path

    for trial in trials:
        if trial.target:
            boss[find(trial.enrolment.path)] = find(trial.test.path)
    crops = sorted({crop for trial in trials for crop in (trial.enrolment, trial.test)})
    numbers: dict[str, int] = {}
    return {crop: numbers.setdefault(find(crop.path), len(numbers)) for crop in crops}
