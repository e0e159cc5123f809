"""Embeds a batch; live windows only as long as there is time, and what was not embedded is marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol, runtime_checkable

import msgspec
import numpy as np

from earwitness.events import RemoteState
from earwitnessd.capture.messages import Samples
from earwitnessd.engines import Embedder, Vectors, Windows
from earwitnessd.engines.remote.figures import RemoteFigures
from earwitnessd.hearing import HeardWindow
from earwitnessd.score import Vector
from earwitnessd.templates.vault import Turning

NOT_EMBEDDED = "not_embedded"


@runtime_checkable
class Remote(Protocol):
    """An engine that may be late, because it is elsewhere."""

    def embed_in_time(self, windows: Windows) -> Vectors:
        """Rows of windows for which there was no time are NaN."""

    def figures(self) -> RemoteFigures:
        """What became of all windows."""


def together(windows: Sequence[Samples]) -> Windows:
    """As the model takes them: one alone, which is most of what comes in real time, is not copied."""
    return windows[0][np.newaxis] if len(windows) == 1 else np.stack(windows)


def embedded(
    embedder: Embedder, batch: Windows, turning: Turning | None, *, live: bool
) -> list[Vector | None]:
    """A vector a window, turned into the space where the templates lie; None: it was not embedded."""
    remote = _remote(embedder) if live else None  # type: ignore[arg-type]  # each is hashable
    computed = remote.embed_in_time(batch) if remote else embedder.embed(batch)
    if math.isfinite(np.vdot(computed, computed)):  # nothing is missing
        return list(turning.turn(computed) if turning else computed)
    there = np.flatnonzero(np.isfinite(computed).all(axis=1))
    vectors: list[Vector | None] = [None] * len(batch)
    if len(there):
        usable = computed if len(there) == len(batch) else computed[there]
        turned = turning.turn(usable) if turning else usable
        for row, vector in zip(there, turned, strict=True):
            vectors[row] = vector
    return vectors


def marked(
    windows: Sequence[HeardWindow], wanted: Sequence[bool], vectors: Sequence[Vector | None]
) -> list[HeardWindow]:
    """The same windows; those that should have been embedded and were not can decide nothing."""
    return [
        _against(window, NOT_EMBEDDED) if wants and vector is None else window
        for window, wants, vector in zip(windows, wanted, vectors, strict=True)
    ]


def _against(window: HeardWindow, reason: str) -> HeardWindow:
    return msgspec.structs.replace(window, reasons=(*window.reasons, reason))


def remote_state(embedder: Embedder) -> RemoteState | None:
    """For the heartbeat; None: the engine is here."""
    remote = _remote(embedder)  # type: ignore[arg-type]  # each is hashable
    if remote is None:
        return None
    found = remote.figures()
    return RemoteState(
        windows=found.remote,
        windows_local=found.local,
        windows_dropped=found.dropped,
        failures=found.failures,
        last_failure=found.last_failure,
        requests=found.requests,
        requests_failed=found.requests_failed,
        requests_late=found.requests_late,
        round_trip_ms=found.round_trip_ms,
    )


@lru_cache(maxsize=1)
def _remote(embedder: Embedder) -> Remote | None:
    """Asked for each batch, and finding out takes longer than answering."""
    return embedder if isinstance(embedder, Remote) else None
