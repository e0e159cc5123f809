"""What `earwitnessd serve-embeddings` is asked for, as a value that travels to the replicas."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast, get_args

from earwitnessd.engines import Precision

MOST_REPLICAS = 10_000


class ServingError(Exception):
    """Embeddings cannot be served; the message says what was found, what was expected and what to do."""


@dataclass(frozen=True, slots=True)
class Replicas:
    """So many of them; more than `least` only while requests wait."""

    least: int = 1
    most: int = 1

    @classmethod
    def parse(cls, text: str) -> Replicas:
        """From `3`, or from `1:8` for as many as are needed."""
        found = re.fullmatch(r"(\d+)(?::(\d+))?", text)
        least = int(found[1]) if found else 0
        most = int(found[2] or found[1]) if found else 0
        if not 1 <= least <= most <= MOST_REPLICAS:
            raise ServingError(f"--replicas {text}: expected a number such as 2, or LEAST:MOST such as 1:8")
        return cls(least, most)


@dataclass(frozen=True, slots=True)
class Wish:
    """An engine, as often as it is wanted."""

    model: str
    # as in the settings: each node finds it by this name
    model_id: str
    weights: str
    # SHA-256 of the file, where the gate is: a replica with another one refuses to start
    precision: Precision = "exact"
    replicas: Replicas = Replicas()
    gpus: float = 0.0
    # of each replica; 0: it computes on the CPU
    cpus: float = 1.0
    # of each replica
    windows_at_once: int = 64
    window_s: float = 3.0
    # what replicas are warmed up for; others are served too
    queued: int = 64
    # requests that wait for each gate; more are refused at once

    @property
    def device(self) -> str:
        """Ray shows a replica its own GPUs only."""
        return "cuda" if self.gpus else "cpu"


def known_precision(text: str) -> Precision:
    """`ServingError` for what is none."""
    for known in get_args(Precision):
        if text == known:
            return cast(Precision, known)
    raise ServingError(f"--precision {text}: expected {', '.join(get_args(Precision))}")
