"""Every way in which a model can be opened on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from earwitnessd.engines import Embedder, open_embedder
from earwitnessd.models import Model


@dataclass(frozen=True, slots=True)
class Opened:
    """An engine, ready."""

    name: str
    embedder: Embedder


@contextmanager
def opened(model: Model, device: str, threads: int) -> Iterator[list[Opened]]:
    """All of them, for as long as they are measured."""
    yield [Opened("earwitness float32", open_embedder(model, device, threads))]
