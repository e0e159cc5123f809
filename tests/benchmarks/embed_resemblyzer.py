"""Embed parts of audio files with Resemblyzer 0.1.4 as its authors intend; peer_resemblyzer.py calls this.

Runs in the environment that export_resemblyzer.py describes. The table has the columns file, start_s and
dur_s (0: to the end); the written array has a row for each of its lines.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import soundfile
import torch
from resemblyzer import VoiceEncoder, preprocess_wav

RATE = 16000
SHORTEST = RATE // 4


def main() -> None:
    """Read the table, embed each line, write the array."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("root", type=Path)
    arguments.add_argument("table", type=Path)
    arguments.add_argument("output", type=Path)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    encoder = VoiceEncoder("cpu", verbose=False)
    vectors = []
    opened, whole = "", np.zeros(0, np.float32)
    with given.table.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            if row["file"] != opened:
                opened, whole = row["file"], soundfile.read(given.root / row["file"], dtype="float32")[0]
            start = round(float(row["start_s"]) * RATE)
            stop = start + round(float(row["dur_s"]) * RATE) if float(row["dur_s"]) else len(whole)
            speech = preprocess_wav(whole[start:stop], source_sr=RATE)
            # The voice detector found next to nothing: embed the part as it is.
            vectors.append(encoder.embed_utterance(speech if len(speech) >= SHORTEST else whole[start:stop]))
    np.save(given.output, np.stack(vectors))


if __name__ == "__main__":
    main()
