"""All that one run of `earwitnessd evaluate` found, and its JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from earwitnessd.evaluation.report import Judged, Report
from earwitnessd.evaluation.streaming import Heard, StreamFigures


@dataclass(frozen=True, eq=False, slots=True)
class TrialFindings:
    """Of a list of trials."""

    report: Report
    judged: Judged
    # what pictures are drawn from
    corpora: NDArray[np.str_]
    # of each trial


@dataclass(frozen=True, eq=False, slots=True)
class VariantFindings:
    """Of one configuration."""

    name: str
    model: str
    figures: StreamFigures
    recordings: tuple[Heard, ...]
    refused: dict[str, str]
    # who was not enrolled, and why; their turns are missed


@dataclass(frozen=True, eq=False, slots=True)
class StreamFindings:
    """Of a list of recordings."""

    enrolled: frozenset[str]
    variants: tuple[VariantFindings, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Findings:
    """Of the whole run."""

    trials: TrialFindings | None
    streams: StreamFindings | None
    seconds: float


def encode(findings: Findings) -> str:
    """One JSON object: the trials' report, and `streams` with the figures of each variant."""
    tree: dict[str, Any] = {"seconds": findings.seconds}
    if findings.trials:
        tree = msgspec.to_builtins(findings.trials.report)
    if findings.streams:
        tree["streams"] = {
            variant.name: {
                "model": variant.model,
                **msgspec.to_builtins(variant.figures),
                "not_enrolled": variant.refused,
            }
            for variant in findings.streams.variants
        }
    return msgspec.json.format(msgspec.json.encode(tree), indent=2).decode()
