"""Evidence against a fixed cosine, side by side, on people that neither was tuned on.

    python tests/benchmarks/decisions.py DEV WORK --noise NOISE

DEV holds trials.txt and CORPUS/SPEAKER/ folders. The speakers of each corpus are cut into halves. On the
first a calibration is fitted, which also says the cosine that one window of a stranger reaches one time in a
hundred, and the cosine of equal errors is found; of the second, conversations are simulated and replayed once
for each way of deciding: evidence with a target for each person and for all together, and cosines from the
one of 1 % down to that of equal errors, so that there is one as quick as the evidence.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from earwitnessd.assemble import open_engine
from earwitnessd.evaluation.embedding import embed_crops
from earwitnessd.evaluation.report import scores_of
from earwitnessd.evaluation.trials import load_trials
from earwitnessd.settings.load import load

COMMAND = [sys.executable, "-m", "earwitnessd"]
BETWEEN = (0.0, 0.25, 0.5, 1.0)  # on the way from the cosine of 1 % to that of equal errors
TARGET_FMR = 0.01


def sides(root: Path, seed: int) -> dict[str, int]:
    """Half of each corpus' speakers on either side, by `corpus/speaker`."""
    found = {}
    for number, corpus in enumerate(sorted(path for path in root.iterdir() if path.is_dir())):
        names = sorted(path.name for path in corpus.iterdir() if path.is_dir())
        order = np.random.default_rng([seed, number]).permutation(len(names)).tolist()
        found.update({f"{corpus.name}/{names[index]}": place % 2 for place, index in enumerate(order)})
    return found


def write_trials(root: Path, side: dict[str, int], file: Path) -> None:
    """Those of the first half alone."""
    trials = load_trials(root / "trials.txt")
    lines = [
        f"{int(trial.target)} {trial.enrolment.path} {trial.test.path}\n"
        for trial in trials
        if all(side["/".join(crop.path.split("/")[:2])] == 0 for crop in (trial.enrolment, trial.test))
    ]
    file.write_text("".join(lines), encoding="utf-8")


def link_speakers(root: Path, side: dict[str, int], folder: Path) -> list[Path]:
    """The second half's folders, a folder a corpus."""
    for name in (name for name, half in side.items() if half == 1):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to((root / name).resolve())
    return sorted(folder.iterdir())


def equal_errors(root: Path, trials: Path) -> float:
    """The cosine at which as many strangers pass as enrolled people fail."""
    settings = load(None, [])
    listed = load_trials(trials)
    engine = open_engine(settings, backend="torch")
    vectors, _ = embed_crops(listed, root, trials, engine.embedder.embed, lambda _done, _of: None)
    scores, target = scores_of(listed, vectors), np.array([trial.target for trial in listed])
    misses = np.searchsorted(np.sort(scores[target]), np.sort(scores)) / target.sum()
    passes = 1.0 - np.searchsorted(np.sort(scores[~target]), np.sort(scores)) / (~target).sum()
    return float(np.sort(scores)[np.argmax(misses >= passes)])


def run(*arguments: object) -> None:
    """One of the daemon's commands."""
    subprocess.run([*COMMAND, *map(str, arguments)], check=True)


def main() -> None:
    """Make what is missing, then compare."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("root", type=Path)
    arguments.add_argument("work", type=Path, help="a new folder")
    arguments.add_argument("--noise", type=Path, required=True)
    arguments.add_argument("--recordings", type=int, default=40)
    arguments.add_argument("--enrolled", type=int, default=8)
    arguments.add_argument("--seed", type=int, default=7)
    given = arguments.parse_args()
    work = given.work
    work.mkdir(parents=True)
    side = sides(given.root, given.seed)
    write_trials(given.root, side, work / "trials.txt")
    own = work / "calibration"
    run("calibrate", work / "trials.txt", "--root", given.root, "--output", own)
    tuned = float(json.loads((own / "calibration.json").read_text(encoding="utf-8"))["threshold"])
    lowest = equal_errors(given.root, work / "trials.txt")
    folders = link_speakers(given.root, side, work / "speakers")
    size = ("--recordings", given.recordings, "--enrolled", given.enrolled, "--enrolment-s", 15)
    run("simulate", *folders, "-o", work / "set", *size, "--noise", given.noise, "--seed", given.seed)
    evidence = f"decision.calibration={own} decision.target_fmr={TARGET_FMR} decision.target_fmr_for"
    variants = [f"evidence, {whom}: {evidence}={whom}" for whom in ("each", "anybody")]
    for part in BETWEEN:
        cosine = tuned + part * (lowest - tuned)
        variants.append(f"cosine {cosine:.3f}: decision.method=cosine decision.threshold={cosine:.3f}")
    chosen = [word for variant in variants for word in ("--variant", variant)]
    run("evaluate", "--streams", work / "set" / "streams.txt", *chosen, "--report", work / "decisions.html")


if __name__ == "__main__":
    main()
