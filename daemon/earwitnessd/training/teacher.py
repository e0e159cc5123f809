"""A teacher's embeddings, lined up with the clips and speeds of a pool."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earwitnessd.training.errors import TrainingError
from earwitnessd.training.pool import Pool


def load_targets(path: Path, pool: Pool, speeds: list[float], speaker_share: float) -> NDArray[np.float32]:
    """Centred unit-norm targets (speeds, clips, dimensions) from a file with `key` and `embedding`.

    Centring matters: many teachers' embeddings share a large part, against which all speakers look alike.
    """
    if not path.exists():
        raise TrainingError(
            f"{path}: no such teacher file; tests/benchmarks/teacher_resemblyzer.py makes one"
        )
    with np.load(path) as file:
        row = {str(key): index for index, key in enumerate(file["key"])}
        vectors = file["embedding"].astype(np.float32)
    wanted = [[f"{key}@{speed:g}" for key in pool.keys] for speed in speeds]
    missing = [key for keys in wanted for key in keys if key not in row]
    if missing:
        raise TrainingError(f"{path}: {len(missing)} clips have no embedding, the first is {missing[0]}")
    chosen = np.stack([vectors[[row[key] for key in keys]] for keys in wanted])
    centred = _unit(chosen - chosen.mean(axis=(0, 1)))
    means = np.zeros((len(speeds), len(pool.speakers), centred.shape[2]), np.float32)
    for index in range(len(speeds)):
        np.add.at(means[index], pool.speaker, centred[index])
    return _unit((1 - speaker_share) * centred + speaker_share * _unit(means)[:, pool.speaker])


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-9), dtype=np.float32)
