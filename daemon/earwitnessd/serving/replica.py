"""One engine in a process that Ray started: embeds what several requests bring in one batch, tests itself."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from earwitnessd.engines import Embedder, Vectors, open_embedder
from earwitnessd.engines.exactness import difference
from earwitnessd.engines.remote.wire import Identity, Int16, from_int16, to_int16
from earwitnessd.engines.speech import speech_windows
from earwitnessd.models import open_model
from earwitnessd.models.model import RATE
from earwitnessd.models.record import sha256_of
from earwitnessd.serving.wish import ServingError, Wish
from earwitnessd.serving.work import Answered

AWAY = 1e-3
# of a vector's largest component: what a healthy engine never is from its own first answer


class UnhealthyError(RuntimeError):
    """The engine no longer gives what it gave at first."""


@dataclass(frozen=True, eq=False, slots=True)
class Due:
    """A request at a replica."""

    samples: Int16
    # (B, N)
    until_s: float
    # monotonic


class EmbeddingReplica:
    """The engine belongs to one thread of its own: the event loop goes on answering Ray meanwhile."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._thread = ThreadPoolExecutor(1, "engine")
        self._engine, self.identity = self._thread.submit(self._open).result()
        self._known = to_int16(speech_windows(1, round(wish.window_s * RATE)))
        self._expected = self._thread.submit(self._compute, self._known).result()

    def _open(self) -> tuple[Embedder, Identity]:
        wish = self._wish
        model = open_model(wish.model)
        weights = sha256_of(model.weights)
        if (model.model_id, weights) != (wish.model_id, wish.weights):
            raise ServingError(
                f"{os.uname().nodename} has another model under the name {wish.model}: {model.model_id} "
                f"(weights {weights[:12]}), not {wish.model_id} (weights {wish.weights[:12]})"
            )
        threads = max(1, int(wish.cpus))
        engine = open_embedder(model, wish.device, threads, wish.precision)
        engine.warm_up(round(wish.window_s * RATE), 1)
        return engine, Identity(model_id=engine.model_id, weights=weights)

    async def embed(self, asked: Sequence[Due]) -> list[Answered]:
        """One batch for all windows of a length; who has no time left is passed over."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._embed, asked)

    async def check(self) -> None:
        """`UnhealthyError` if a known window is not embedded as at first; Ray replaces the replica then."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._thread, self._compute, self._known)
        away = difference(found, self._expected)
        if not away.relative <= AWAY:
            raise UnhealthyError(
                f"{self.identity} on {self._engine.device} embeds a known window differently than at its "
                f"start: off by {away.relative:.1e}"
            )

    def _embed(self, asked: Sequence[Due]) -> list[Answered]:
        now_s = time.monotonic()
        vectors: list[Vectors | None] = [None] * len(asked)
        lengths: dict[int, list[int]] = {}
        for number, each in enumerate(asked):
            if each.until_s > now_s:
                lengths.setdefault(each.samples.shape[1], []).append(number)
        for numbers in lengths.values():
            counts = [len(asked[number].samples) for number in numbers]
            computed = self._compute(np.concatenate([asked[number].samples for number in numbers]))
            parts = np.split(computed, np.cumsum(counts)[:-1])
            for number, part in zip(numbers, parts, strict=True):
                vectors[number] = part
        return [Answered(each, self.identity, self._engine.device) for each in vectors]

    def _compute(self, samples: Int16) -> Vectors:
        most = self._wish.windows_at_once
        parts = [samples[first : first + most] for first in range(0, len(samples), most)]
        return np.concatenate([self._engine.embed(from_int16(part)) for part in parts])
