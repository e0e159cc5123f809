"""Make a trained model the built-in one: choose its threshold and copy it into the package.

    python tests/benchmarks/package_builtin.py trained/model DEV trials_short.txt

The threshold is the cosine that 1 % of the list's non-targets reach: up to 10 s enrolled, a 3 s test window,
which is what the daemon compares before it is calibrated. What decides by default is the calibration, which
this command then fits to the new weights and lays beside them:

    earwitnessd calibrate DEV/trials.txt --root DEV --cohort POOL \\
        --exclude wuw2 --exclude msc_malayalam --exclude fsdd \\
        --about "development trials: 125 speakers of 7 corpora" --output daemon/earwitnessd/builtin

The ShareAlike corpora stay out of the cohort, which is made of the training speakers' embeddings.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np

from earwitnessd.calibration.files import CALIBRATION, COHORT
from earwitnessd.engines import open_embedder
from earwitnessd.evaluation.embedding import embed_crops
from earwitnessd.evaluation.metrics import threshold_at
from earwitnessd.evaluation.report import scores_of
from earwitnessd.evaluation.trials import load_trials
from earwitnessd.models import open_model
from earwitnessd.models.places import BUILTIN_DIRECTORY
from earwitnessd.models.record import Record, sha256_of, write_record

FILES = ("config.json", "preprocessor_config.json", "model.safetensors")
FALSE_MATCH_RATE = 0.01
NAME = "earwitness-builtin-1"


def main() -> None:
    """Score the list, print the operating point, write the package's files."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("trained", type=Path)
    arguments.add_argument("root", type=Path)
    arguments.add_argument("list")
    given = arguments.parse_args()
    listing = given.root / given.list
    trials = load_trials(listing)
    embedder = open_embedder(open_model(str(given.trained)))
    vectors, _ = embed_crops(trials, given.root, listing, embedder.embed, lambda _done, _total: None)
    scores, target = scores_of(trials, vectors), np.array([trial.target for trial in trials])
    threshold = round(threshold_at(scores, target, FALSE_MATCH_RATE), 3)
    for name in sorted({trial.corpus for trial in trials}):
        here = np.array([trial.corpus == name for trial in trials])
        print(f"{name}: {_rates(scores[here], target[here], threshold)}")
    print(f"pooled at cosine {threshold}: {_rates(scores, target, threshold)}")
    BUILTIN_DIRECTORY.mkdir(exist_ok=True)
    for file in FILES:
        shutil.copyfile(given.trained / file, BUILTIN_DIRECTORY / file)
    record = Record(
        name=NAME,
        licence="Apache-2.0",
        threshold=threshold,
        threshold_from=f"1 % false matches on {len(trials)} development trials; see MODEL_CARD.md",
        sha256={file: sha256_of(BUILTIN_DIRECTORY / file) for file in FILES},
    )
    write_record(BUILTIN_DIRECTORY, record)
    for outdated in (CALIBRATION, COHORT):
        (BUILTIN_DIRECTORY / outdated).unlink(missing_ok=True)
    print("the calibration of other weights is gone; now fit one, as the head of this file says")


def _rates(scores: np.ndarray, target: np.ndarray, threshold: float) -> str:
    misses, matches = scores[target] < threshold, scores[~target] >= threshold
    return f"FMR {matches.mean():.1%}, FNMR {misses.mean():.1%}"


if __name__ == "__main__":
    main()
