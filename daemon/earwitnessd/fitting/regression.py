"""Regularised logistic regression at a chosen prior, by Newton's method."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MOST_STEPS = 60
CLOSE_ENOUGH = 1e-9


def fit_logistic(
    features: Floats, target: Bools, *, weights: Floats, prior: float, ridge: Floats
) -> tuple[float, Floats]:
    """Intercept and coefficients of a log-likelihood ratio.

    Targets weigh `prior` in all and non-targets the rest, whatever their number; `ridge` is the penalty
    on each coefficient's square, that on the intercept is none.
    """
    share = np.where(target, prior, 1.0 - prior)
    mass = np.where(target, weights[target].sum(), weights[~target].sum())
    scaled = share * weights / mass
    design = np.column_stack([np.ones(len(features)), features])
    penalty = np.concatenate([[0.0], ridge])
    offset = math.log(prior / (1.0 - prior))
    sign = np.where(target, 1.0, -1.0)
    solution = np.zeros(design.shape[1])

    def loss(candidate: Floats) -> float:
        margins = sign * (design @ candidate + offset)
        return float(scaled @ np.logaddexp(0.0, -margins) + 0.5 * penalty @ np.square(candidate))

    present = loss(solution)
    for _ in range(MOST_STEPS):
        probability = 1.0 / (1.0 + np.exp(-np.clip(design @ solution + offset, -500.0, 500.0)))
        gradient = design.T @ (scaled * (probability - target)) + penalty * solution
        curvature = (design.T * (scaled * probability * (1.0 - probability))) @ design + np.diag(penalty)
        step = np.linalg.solve(curvature + 1e-12 * np.eye(len(curvature)), gradient)
        size = 1.0
        while loss(solution - size * step) > present and size > 1e-8:
            size /= 2.0
        solution = solution - size * step
        before, present = present, loss(solution)
        if before - present < CLOSE_ENOUGH:
            break
    return float(solution[0]), solution[1:]
