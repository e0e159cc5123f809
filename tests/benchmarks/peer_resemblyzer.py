"""Compare a model with Resemblyzer 0.1.4 on the same trial lists, and print a table for the model card.

The peer lives in an environment of its own (export_resemblyzer.py says how to make it)::

    python tests/benchmarks/peer_resemblyzer.py DEV trials.txt trials_short.txt \
        --peer-python peer/bin/python

Both hear the same crops. The peer trims silence and averages its 1.6 s windows, as its authors intend;
our model hears 3 s windows every 0.5 s, as the daemon does.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earwitnessd.engines import open_embedder
from earwitnessd.evaluation.embedding import embed_crops
from earwitnessd.evaluation.report import Report, Summary, judge, report_on, scores_of
from earwitnessd.evaluation.trials import Crop, Trial, load_trials
from earwitnessd.models import open_model

PEER = Path(__file__).with_name("embed_resemblyzer.py")
EXPORT = PEER.with_name("export_resemblyzer.py")
MISSING = (
    "peer_resemblyzer: {python}: no such Python; expected one of an environment of its own with Resemblyzer "
    "0.1.4. {script} says how to make it; then give --peer-python"
)


def peer_report(trials: list[Trial], root: Path, python: Path) -> Report:
    """Embed the crops in the peer's environment and score them here."""
    crops = sorted({crop for trial in trials for crop in (trial.enrolment, trial.test)})
    with tempfile.TemporaryDirectory() as scratch:
        table, output = Path(scratch, "table.tsv"), Path(scratch, "peer.npy")
        rows = [f"{crop.path}\t{crop.start_s}\t{crop.duration_s}" for crop in crops]
        table.write_text("\n".join(["file\tstart_s\tdur_s", *rows]) + "\n", encoding="utf-8")
        began = time.perf_counter()
        command = [str(part) for part in (python, PEER, root, table, output)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        vectors = dict(zip(crops, np.load(output), strict=True))
    return plain_report(trials, vectors, "resemblyzer 0.1.4", seconds)


def own_report(trials: list[Trial], root: Path, listing: Path, name: str) -> Report:
    """The same crops through the daemon's engine."""
    model = open_model(name)
    embedder = open_embedder(model)
    began = time.perf_counter()
    vectors, _ = embed_crops(trials, root, listing, embedder.embed, lambda _done, _total: None)
    return plain_report(trials, vectors, model.name, time.perf_counter() - began)


def plain_report(
    trials: list[Trial], vectors: dict[Crop, NDArray[np.float32]], model: str, seconds: float
) -> Report:
    """By cosines alone: the peer has no calibration either."""
    judged = judge(trials, scores_of(trials, vectors))
    return report_on(trials, judged, None, model=model, calibration=None, seconds=seconds, rtf=0.0)


def table(ours: Report, peer: Report) -> str:
    """EER in percent, minDCF(0.01) and minDCF(0.05) of both, per corpus."""
    lines = [f"| | trials | {ours.model} | {peer.model} |", "|---|---:|---|---|"]
    pairs: dict[str, tuple[Summary | Report, Summary | Report]] = {"pooled": (ours, peer)}
    pairs |= {corpus: (row, peer.corpora[corpus]) for corpus, row in ours.corpora.items()}
    for name, (our_row, peer_row) in pairs.items():
        figures = []
        for row in (our_row, peer_row):
            costs = row.min_dcf or {"0.01": np.nan, "0.05": np.nan}
            eer = np.nan if row.eer is None else 100 * row.eer
            figures.append(f"{eer:.1f} % ({costs['0.01']:.2f}, {costs['0.05']:.2f})")
        lines.append(f"| {name} | {our_row.trials} | {figures[0]} | {figures[1]} |")
    return "\n".join(lines)


def main() -> None:
    """Run both on every list."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("root", type=Path)
    arguments.add_argument("lists", nargs="+", help="names of trial lists in the root")
    arguments.add_argument("--peer-python", type=Path, default=Path("peer/bin/python"))
    arguments.add_argument("--model", default="builtin")
    given = arguments.parse_args()
    if not given.peer_python.exists():
        sys.exit(MISSING.format(python=given.peer_python, script=EXPORT.name))
    for name in given.lists:
        listing = given.root / name
        trials = load_trials(listing)
        ours = own_report(trials, given.root, listing, given.model)
        print(f"\n{name}: EER (minDCF at 0.01, at 0.05)\n")
        print(table(ours, peer_report(trials, given.root, given.peer_python)), flush=True)


if __name__ == "__main__":
    main()
