"""Evidence against a fixed cosine, side by side, on people that neither was tuned on.

    python tests/benchmarks/decisions.py DEV WORK --noise NOISE

DEV holds trials.txt and CORPUS/SPEAKER/ folders. The speakers of each corpus are cut into halves. On the
first a calibration is fitted, which also says the cosine that one window of a stranger reaches one time in a
hundred; of the second, conversations are simulated and replayed once for each way of deciding: evidence with
a target for each person and for all together, and that cosine and lower ones, to find one as quick.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from earwitnessd.evaluation.trials import load_trials

COMMAND = [sys.executable, "-m", "earwitnessd"]
LOWER = (0.0, 0.05, 0.1, 0.15)  # cosines below the one for 1 %: sooner, and wrong more often
EVIDENCE = ((0.01, "each"), (0.03, "each"), (0.01, "anybody"))
ENROLMENT_S, LEAST_SPEECH_S = 12, 6  # the corpora hold no more of many people


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


def run(*arguments: object) -> None:
    """One of the daemon's commands."""
    subprocess.run([*COMMAND, *map(str, arguments)], check=True)


def main() -> None:
    """Make what is missing, then compare."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("root", type=Path)
    arguments.add_argument("work", type=Path, help="a new folder")
    arguments.add_argument("--noise", type=Path, required=True)
    arguments.add_argument("--recordings", type=int, default=60)
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
    folders = link_speakers(given.root, side, work / "speakers")
    size = ("--recordings", given.recordings, "--enrolled", given.enrolled, "--enrolment-s", ENROLMENT_S)
    run("simulate", *folders, "-o", work / "set", *size, "--noise", given.noise, "--seed", given.seed)
    variants = [
        f"evidence {target:.0%} {whom}: decision.calibration={own} decision.target_fmr={target} "
        f"decision.target_fmr_for={whom}"
        for target, whom in EVIDENCE
    ]
    for less in LOWER:
        cosine = tuned - less
        variants.append(f"cosine {cosine:.3f}: decision.method=cosine decision.threshold={cosine:.3f}")
    chosen = [word for variant in variants for word in ("--variant", variant)]
    least = ("--set", f"enrolment.min_speech_s={LEAST_SPEECH_S}", "--report", work / "decisions.html")
    run("evaluate", "--streams", work / "set" / "streams.txt", *chosen, *least)


if __name__ == "__main__":
    main()
