"""Compare ways of normalising scores on trial lists: the reason for what the daemon does.

    python tests/benchmarks/normalisations.py DEV trials.txt trials_short.txt

Each recording is heard as the daemon hears it, and scored as a whole; the cohort is the model's own. Min Cllr
and minDCF are those of the best mapping and the best threshold for each way. The last way has weights that
were fitted to trials: on those it is flattered a little.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from earwitnessd.assemble import open_engine
from earwitnessd.calibration import Calibrator
from earwitnessd.calibration.calibrator import normalised_scores
from earwitnessd.calibration.cohort import Vectors
from earwitnessd.calibration.files import read_calibrator
from earwitnessd.evaluation.likelihood import minimum_cllr
from earwitnessd.evaluation.metrics import equal_error_rate, minimum_cost, misses_at
from earwitnessd.evaluation.trials import load_trials
from earwitnessd.fitting.hearing import listen
from earwitnessd.settings.load import load

Scores = npt.NDArray[np.float64]
Way = Callable[[Calibrator, Vectors, Vectors], float]
# a template and a recording, each of unit length, to a score
PRIOR = 0.01
FALSE_MATCH_RATE = 0.01


def raw(_calibrator: Calibrator, template: Vectors, test: Vectors) -> float:
    """Cosines as the model gives them."""
    return float(template @ test)


def centred(calibrator: Calibrator, template: Vectors, test: Vectors) -> float:
    """Without what all voices have in common."""
    cohort = calibrator.cohort
    return float(cohort.centred(template) @ cohort.centred(test))


def own_spreads(calibrator: Calibrator, template: Vectors, test: Vectors) -> float:
    """Adaptive s-norm as is usual: each side by the mean and the spread of its own nearest strangers."""
    cohort = calibrator.cohort
    one, other = cohort.centred(template), cohort.centred(test)
    cosine = one @ other
    sides = []
    for voice in (one, other):
        nearest = np.sort(cohort.vectors @ voice)[-cohort.top :]
        sides.append((cosine - nearest.mean()) / nearest.std())
    return float(np.mean(sides))


def one_spread(calibrator: Calibrator, template: Vectors, test: Vectors) -> float:
    """The means are each side's own, the spread is one for all."""
    rows, window = (calibrator.rows(voice[np.newaxis]) for voice in (template, test))
    return float(normalised_scores(calibrator.cohort, rows, window)[0])


def corrected(calibrator: Calibrator, template: Vectors, test: Vectors) -> float:
    """The daemon's: besides, how odd both are and the plain cosine, each with its weight."""
    return float(calibrator.normalised(calibrator.rows(template[np.newaxis]), test)[0])


WAYS: dict[str, Way] = {
    "raw cosine": raw,
    "centred": centred,
    "s-norm, own spreads": own_spreads,
    "s-norm, one spread": one_spread,
    "with oddity and plain cosine (the daemon's)": corrected,
}


def figures(scores: Scores, target: npt.NDArray[np.bool_]) -> str:
    """One row of the table."""
    cells = (
        f"{equal_error_rate(scores, target):.1%}",
        f"{minimum_cost(scores, target, PRIOR):.3f}",
        f"{misses_at(scores, target, FALSE_MATCH_RATE):.1%}",
        f"{minimum_cllr(scores, target):.3f}",
    )
    return " | ".join(cells)


def main() -> None:
    """Print a table for each list."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("root", type=Path)
    arguments.add_argument("lists", nargs="+", help="names of trial lists in the root")
    arguments.add_argument("--model", default="builtin")
    given = arguments.parse_args()
    settings = load(None, [f"model={given.model}"])
    engine = open_engine(settings, steady=True)
    calibrator = read_calibrator(engine.model.directory, engine.embedder.model_id)
    if calibrator is None:
        raise SystemExit(f"{given.model}: has no calibration; expected one beside it (earwitnessd calibrate)")
    for name in given.lists:
        listing = given.root / name
        trials = load_trials(listing)
        heard = listen(trials, given.root, listing, settings, engine.embedder.embed, lambda _done, _of: None)
        used = [trial for trial in trials if trial.enrolment in heard and trial.test in heard]
        target = np.array([trial.target for trial in used])
        sides = {crop: (each.template(), each.whole) for crop, each in heard.items()}
        print(f"\n{name}: {len(used)} of {len(trials)} trials with enough speech\n")
        print("| | EER | minDCF(0.01) | FNMR at FMR 1 % | min Cllr |\n|---|---|---|---|---|")
        for title, way in WAYS.items():
            scores = [way(calibrator, sides[trial.enrolment][0], sides[trial.test][1]) for trial in used]
            print(f"| {title} | {figures(np.array(scores, dtype=np.float64), target)} |", flush=True)


if __name__ == "__main__":
    main()
