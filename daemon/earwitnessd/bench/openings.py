"""Every way in which a model can be computed on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from earwitnessd.bench.engine_report import Refused
from earwitnessd.engines import Amx, Backend, Embedder, EmbedError, Precision, Windows, open_embedder
from earwitnessd.engines.degrading import Degradable
from earwitnessd.models import Model
from earwitnessd.native.cpu import lacks_tiles

BUILT_WITHIN_S = 300.0


@dataclass(frozen=True, slots=True)
class Way:
    """What the settings `engine.precision`, `engine.backend` and `engine.amx` would say."""

    name: str
    precision: Precision
    backend: Backend
    amx: Amx = "auto"


WAYS = (
    Way("earwitness float32", "exact", "torch"),
    Way("earwitness float32 compiled", "exact", "compiled"),
    Way("earwitness float32 openvino", "exact", "openvino"),
    Way("earwitness bfloat16", "fast", "torch"),
    Way("earwitness float32, amx: false", "exact", "torch", amx=False),
    Way("earwitness bfloat16, amx: false", "fast", "torch", amx=False),
)


@dataclass(frozen=True, slots=True)
class Opened:
    """An engine, ready."""

    name: str
    embedder: Embedder

    @property
    def lost(self) -> str:
        """Why its device did not compute everything; empty: it did."""
        return self.embedder.last_loss if isinstance(self.embedder, Degradable) else ""


@runtime_checkable
class Builds(Protocol):
    """An engine that begins with one way of computing while it builds another."""

    def wait_for_backend(self, timeout_s: float) -> bool:
        """Whether it is built by then."""


def open_all(model: Model, device: str, threads: int, speech: Windows) -> tuple[list[Opened], list[Refused]]:
    """All of them, built for windows of this length; and why the others are not there."""
    opened: list[Opened] = []
    refused: list[Refused] = []
    for way in WAYS:
        try:
            embedder = _open(way, model, device, threads, speech)
        except EmbedError as error:
            refused.append(Refused(engine=way.name, reason=str(error)))
        else:
            opened.append(Opened(way.name, embedder))
    return opened, refused


def without_lost(opened: Sequence[Opened], batch: int) -> tuple[list[Opened], list[Refused]]:
    """Those whose device computed everything; and why the others went, at this size of batch."""
    gone = [Refused(engine=f"{each.name}, batch {batch}", reason=each.lost) for each in opened if each.lost]
    return [each for each in opened if not each.lost], gone


def _open(way: Way, model: Model, device: str, threads: int, speech: Windows) -> Embedder:
    if not way.amx and (lacking := lacks_tiles()):
        raise EmbedError(f"{lacking}: no engine uses it")
    embedder = open_embedder(model, device, threads, way.precision, way.backend, way.amx)
    if not way.amx and not embedder.device.startswith("cpu"):
        raise EmbedError("no engine uses AMX there")
    if way.precision == "fast" and ", bfloat16" not in embedder.device:
        raise EmbedError(embedder.device)
    before = embedder.embed(speech)
    embedder.warm_up(speech.shape[1], 1)
    if isinstance(embedder, Builds) and not embedder.wait_for_backend(BUILT_WITHIN_S):
        raise EmbedError(f"not built within {BUILT_WITHIN_S:.0f} s")
    if way.backend != "torch" and np.array_equal(embedder.embed(speech), before):
        # to the last digit, as no other way of computing would
        raise EmbedError("it was tried and not used: torch goes on computing, and the log says why")
    return embedder
