"""Embed every clip of a training pool with Resemblyzer 0.1.4, as a teacher for `earwitnessd train`.

Runs in an environment of its own, so that nothing of it reaches ours::

    python3 -m venv peer && peer/bin/pip install 'torch>=2.4,<2.14' numpy scipy librosa soundfile soxr
    peer/bin/pip install --no-deps resemblyzer==0.1.4 webrtcvad-wheels
    peer/bin/python tests/benchmarks/teacher_resemblyzer.py POOL teacher.npz --speeds 1.0 0.9 1.1

The file holds `key` (file name, start and speed of a clip) and `embedding` (unit norm, float16).
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from numpy.typing import NDArray
from resemblyzer import VoiceEncoder, preprocess_wav
from resemblyzer.audio import wav_to_mel_spectrogram

RATE = 16000
PARTIALS_A_BATCH = 512


def clips_of(index: Path, skipped: set[str]) -> list[tuple[str, str, str]]:
    """File, start and duration (0: to the end) of every clip whose corpus is wanted."""
    with index.open(newline="", encoding="utf-8") as table:
        rows = csv.DictReader(table, delimiter="\t")
        return [
            (row["file"], row["start_s"], row["dur_s"])
            for row in rows
            if row["speaker"].split("/")[0] not in skipped
        ]


def partial_mels(samples: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The 1.6 s mel spectrograms that Resemblyzer would embed and average."""
    wave = preprocess_wav(samples, source_sr=RATE)
    if len(wave) < RATE // 4:  # the voice detector found next to nothing: embed the clip as it is
        wave = samples
    wave_slices, mel_slices = VoiceEncoder.compute_partial_slices(len(wave), rate=1.3, min_coverage=0.75)
    wave = np.pad(wave, (0, max(0, wave_slices[-1].stop - len(wave))))
    mel = wav_to_mel_spectrogram(wave)
    return [mel[part] for part in mel_slices]


def embed(encoder: VoiceEncoder, clips: list[list[NDArray[np.float32]]]) -> NDArray[np.float32]:
    """The mean over each clip's partials, normalised."""
    with torch.inference_mode():
        parts = torch.from_numpy(np.stack([mel for clip in clips for mel in clip]))
        vectors = encoder(parts).numpy()
    ends = np.cumsum([len(clip) for clip in clips])[:-1]
    means = np.stack([part.mean(0) for part in np.split(vectors, ends)])
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)


def main() -> None:
    """Read the pool, embed it speed by speed, write the file after each."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("pool", type=Path)
    arguments.add_argument("output", type=Path)
    arguments.add_argument("--index", type=Path, help="list of clips; default: POOL/index.tsv")
    arguments.add_argument("--speeds", type=float, nargs="+", default=[1.0])
    arguments.add_argument("--skip", nargs="*", default=["wuw2", "msc_malayalam", "fsdd"])
    given = arguments.parse_args()
    torch.set_num_threads(1)
    encoder = VoiceEncoder("cpu", verbose=False)
    clips = clips_of(given.index or given.pool / "index.tsv", set(given.skip))
    keys: list[str] = []
    vectors: list[NDArray[np.float32]] = []
    began = time.monotonic()
    for speed in given.speeds:
        waiting: list[list[NDArray[np.float32]]] = []
        opened, wave = "", np.zeros(0, np.float32)
        for number, (file, start_s, duration_s) in enumerate(clips):
            if file != opened:
                opened, wave = file, soundfile.read(given.pool / file, dtype="float32")[0]
            start = round(float(start_s) * RATE)
            stop = start + round(float(duration_s) * RATE) if float(duration_s) else len(wave)
            samples = wave[start:stop]
            if speed != 1.0:
                samples = soxr.resample(samples, RATE * speed, RATE, "MQ")
            waiting.append(partial_mels(samples))
            keys.append(f"{file}#{start_s}@{speed:g}")
            if sum(map(len, waiting)) >= PARTIALS_A_BATCH or number == len(clips) - 1:
                vectors.append(embed(encoder, waiting))
                waiting = []
            if number % 1000 == 0:
                print(
                    f"speed {speed:g}: {number}/{len(clips)} clips, {time.monotonic() - began:.0f} s",
                    flush=True,
                )
        np.savez(given.output, key=np.array(keys), embedding=np.concatenate(vectors).astype(np.float16))


if __name__ == "__main__":
    main()
