"""Computes batches by captured graphs, through staging buffers, waiting for the device once a batch."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import torch
from torch import Tensor

from earwitnessd.engines import Vectors, Windows
from earwitnessd.engines.buckets import Part, parts

MOST_GRAPHS = 16  # each holds its buffers on the device; the least recently used one goes


class Graph(Protocol):
    """A network's computation of one shape, on a device."""

    @property
    def inputs(self) -> Tensor:
        """(bucket, samples): what `replay` computes with."""

    @property
    def outputs(self) -> Tensor:
        """(bucket, size of a vector) in float32: what it gave."""

    def replay(self) -> None:
        """Begin to compute; returns at once."""


class Accelerator(Protocol):
    """A device that works off in order what it is told, while the processor goes on."""

    def submitting(self) -> AbstractContextManager[object]:
        """Whatever is told to the device within is done in order."""

    def capture(self, rows: int, samples: int) -> Graph:
        """A graph of this shape."""

    def staging(self, numbers: int) -> Tensor:
        """So many float32 in memory that the device copies from and to by itself."""

    def wait(self) -> None:
        """Until everything told is done."""

    def forget(self) -> None:
        """No graph is kept any more: the next ones begin anew."""


class Staged:
    """A network as a function of arrays; belongs to one thread at a time."""

    def __init__(self, accelerator: Accelerator, vector_size: int, most_graphs: int = MOST_GRAPHS) -> None:
        self._accelerator = accelerator
        self._vector_size = vector_size
        self._most_graphs = most_graphs
        self._graphs: dict[tuple[int, int], Graph] = {}
        # by bucket and samples, the least recently used first
        self._incoming = accelerator.staging(0)
        self._outgoing = accelerator.staging(0)

    def __call__(self, prepared: Windows) -> Vectors:
        """A row depends on its window alone, whatever its bucket; without memory all graphs are let go."""
        try:
            with torch.inference_mode(), self._accelerator.submitting():
                return self._compute(prepared)
        except torch.OutOfMemoryError:
            self._graphs.clear()
            self._accelerator.forget()
            raise

    def _compute(self, prepared: Windows) -> Vectors:
        batch, samples = prepared.shape
        cut = parts(batch)
        computed = sum(part.bucket for part in cut)
        self._incoming = self._at_least(self._incoming, computed * samples)
        self._outgoing = self._at_least(self._outgoing, computed * self._vector_size)
        windows = self._incoming[: computed * samples].view(computed, samples)
        vectors = self._outgoing[: computed * self._vector_size].view(computed, self._vector_size)
        for part in cut:
            graph = self._graph(part.bucket, samples)
            ours = slice(part.start, part.start + part.bucket)
            _stage(windows[ours], prepared, part)
            graph.inputs.copy_(windows[ours], non_blocking=True)
            graph.replay()
            vectors[ours].copy_(graph.outputs, non_blocking=True)
        self._accelerator.wait()
        # a copy: the next batch overwrites the staging buffer
        found: Vectors = vectors[:batch].numpy().copy()
        return found

    def _graph(self, bucket: int, samples: int) -> Graph:
        graph = self._graphs.pop((bucket, samples), None)
        if graph is None:
            while len(self._graphs) >= self._most_graphs:
                del self._graphs[next(iter(self._graphs))]
            graph = self._accelerator.capture(bucket, samples)
        self._graphs[bucket, samples] = graph
        return graph

    def _at_least(self, buffer: Tensor, numbers: int) -> Tensor:
        return buffer if len(buffer) >= numbers else self._accelerator.staging(numbers)


def _stage(place: Tensor, prepared: Windows, part: Part) -> None:
    """The windows of a part, and silence in the rows that pad it."""
    numbers = place.numpy()
    numbers[: part.rows] = prepared[part.start : part.start + part.rows]
    numbers[part.rows :] = 0.0
