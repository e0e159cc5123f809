"""Scores of a kind: given, or drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from earwitnessd.evaluation.metrics import Labels, Scores


def case(targets: Sequence[float], others: Sequence[float]) -> tuple[Scores, Labels]:
    """Scores with their labels."""
    scores = np.array([*targets, *others], dtype=np.float64)
    return scores, np.array([True] * len(targets) + [False] * len(others))


def drawn(seed: int, distance: float = 2.0) -> tuple[Scores, Labels]:
    """Normal LLRs that are calibrated (means of ± d²/2, variances of d²), some of them tied."""
    random = np.random.default_rng(seed)
    middle = distance**2 / 2
    targets = random.normal(middle, distance, random.integers(100, 400)).round(1)
    others = random.normal(-middle, distance, random.integers(100, 900)).round(1)
    return case(targets.tolist(), others.tolist())
