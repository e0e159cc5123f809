"""A gate over a real socket whose engine is in the test's hands, and clocks and threads likewise."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import zmq

from earwitnessd.engines import Vectors, Windows
from earwitnessd.engines.remote.link import Place
from earwitnessd.engines.remote.wire import Identity, Int16, from_int16
from earwitnessd.serving.gate import Gate, Keys
from earwitnessd.serving.work import Answered, Asked

WITHIN_S = 10.0
IDENTITY = Identity(model_id="tones@0000", weights="ab" * 32)
OTHER = Identity(model_id="tones@0000", weights="cd" * 32)
SAMPLES = 1600


def windows(count: int, samples: int = SAMPLES, seed: int = 0) -> Windows:
    """Noise of 16 bits, so that nothing is lost on the way."""
    noise = np.random.default_rng(seed).integers(-9000, 9000, (count, samples)).astype(np.int16)
    return from_int16(noise)


def by_content(heard: Windows) -> Vectors:
    """A unit vector that depends on every sample."""
    moments = np.stack([heard.mean(1), heard.std(1), np.abs(heard).max(1), heard[:, 0]], axis=1)
    unit: Vectors = (moments / np.linalg.norm(moments, axis=1, keepdims=True)).astype(np.float32)
    return unit


class FakeEngine:
    """What stands behind the gate: it can be held, made to fail, or be another model."""

    def __init__(self) -> None:
        self.identity = IDENTITY
        self.failure: Exception | None = None
        self.fail_at = -1
        # the request of this number is not answered
        self.free = threading.Event()
        self.free.set()
        self.entered = threading.Event()
        self.requests: list[Asked] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> Answered:
        with self._lock:
            number = len(self.requests)
            self.requests.append(asked)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return self._answered(asked, number)
        finally:
            with self._lock:
                self._at_once -= 1

    def _answered(self, asked: Asked, number: int) -> Answered:
        self.entered.set()
        if number == self.fail_at or not self.free.wait(asked.within_s):
            raise TimeoutError
        if self.failure is not None:
            raise self.failure
        return Answered(by_content(from_int16(asked.samples)), self.identity, "a rack")


@contextmanager
def gate(
    engine: Callable[[Asked], Answered],
    *,
    address: str = "",
    identity: Identity = IDENTITY,
    keys: Keys | None = None,
    workers: int = 16,
    queued: int = 64,
) -> Iterator[Gate]:
    """Open, and closed in the end."""
    with tempfile.TemporaryDirectory(prefix="ew") as folder:
        opened = Gate(address or f"ipc://{folder}/g", identity, engine, keys, workers, queued)
        try:
            yield opened
        finally:
            opened.close()


def place(opened: Gate, each: int = 2, at_once: int = 4) -> Place:
    return Place([opened.address], None, each, at_once)


class Local:
    """The engine of this machine, by whose clock a window takes as long as the test says."""

    model_id = IDENTITY.model_id
    device = "cpu"

    def __init__(self, clock: Clock, window_s: float = 0.0) -> None:
        self.clock = clock
        self.window_s = window_s
        self.embedded = 0

    def embed(self, heard: Windows) -> Vectors:
        self.embedded += len(heard)
        self.clock.now_s += self.window_s * len(heard)
        return by_content(heard)

    def warm_up(self, window_samples: int, batch: int) -> None:
        """Nothing to do."""


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class FakeLink:
    """In place of a `Link`: answers the newest rows as far as it is told to, and takes its time."""

    device = "a rack"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.answers = 10_000
        # rows of each batch
        self.trouble = "no answer"
        # why not all, where it is fewer
        self.takes_s = 0.0
        self.raises: Exception | None = None
        self.closed = False
        self.given_s: list[float] = []

    def ask(self, samples: Int16, within_s: float) -> tuple[Vectors | None, str]:
        self.given_s.append(within_s)
        self.clock.now_s += min(self.takes_s, within_s)
        if self.raises is not None:
            raise self.raises
        vectors = by_content(from_int16(samples))
        if self.answers >= len(samples):
            return vectors, ""
        vectors[: len(samples) - self.answers] = np.nan
        return (vectors if self.answers else None), self.trouble

    def close(self) -> None:
        self.closed = True


def router(address: str) -> tuple[zmq.Context[zmq.Socket[bytes]], zmq.Socket[bytes]]:
    """A server that says whatever the test wants."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.ROUTER)
    socket.set(zmq.LINGER, 0)
    socket.bind(address)
    return context, socket
