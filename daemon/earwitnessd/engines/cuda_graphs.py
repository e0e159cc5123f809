"""A network captured as CUDA graphs on one stream; written for CUDA, and not yet run on a GPU."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
from torch import Tensor

from earwitnessd.engines.network import Network

_ROUNDS_BEFORE = 3  # libraries choose their kernels and workspaces then, which a capture must not see


class CudaGraph:
    """The computation of one shape; its buffers live as long as it does."""

    def __init__(
        self, graph: torch.cuda.CUDAGraph, inputs: Tensor, outputs: Tensor, bias: Tensor | None
    ) -> None:
        self._graph = graph
        self.inputs = inputs
        self.outputs = outputs
        self._bias = bias
        # read by the graph at its address: the network's own cache may let go of it

    def replay(self) -> None:
        """Put all kernels in the stream."""
        self._graph.replay()


class CudaGraphs:
    """Everything of one network that happens on a GPU."""

    def __init__(self, network: Network, device: torch.device) -> None:
        self._network = network
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch's
        # the weights were copied and converted on another
        self._stream.wait_stream(torch.cuda.current_stream(device))
        self._pool = torch.cuda.graph_pool_handle()

    def submitting(self) -> AbstractContextManager[object]:
        """On our stream, whichever thread calls."""
        return torch.cuda.stream(self._stream)

    def capture(self, rows: int, samples: int) -> CudaGraph:
        """Graphs share their memory, for they are replayed one after another on one stream."""
        inputs = torch.zeros(rows, samples, device=self._device)
        for _ in range(_ROUNDS_BEFORE):
            self._network(inputs).float()
        self._stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        # thread_local: what other threads do meanwhile does not spoil it
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
            outputs = self._network(inputs).float()
        return CudaGraph(graph, inputs, outputs, self._bias(samples))

    def staging(self, numbers: int) -> Tensor:
        """Pinned: only from such memory does a GPU copy while the processor goes on."""
        return torch.empty(numbers, pin_memory=numbers > 0)

    def wait(self) -> None:
        """For the stream."""
        self._stream.synchronize()

    def forget(self) -> None:
        """A pool whose last graph is gone cannot be captured into again."""
        self._pool = torch.cuda.graph_pool_handle()
        torch.cuda.empty_cache()

    def _bias(self, samples: int) -> Tensor | None:
        relative = self._network.encoder.relative
        if relative is None:
            return None
        bias: Tensor = relative(self._network.architecture.frames(samples))
        return bias
