"""The built-in model behind a real gate: alike to the last digits, and nobody else's vectors come in."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import numpy as np
import pytest

from earwitnessd.engines import Embedder, Vectors, Windows, open_embedder
from earwitnessd.engines.exactness import difference
from earwitnessd.engines.precision import RESOLUTION, score_difference
from earwitnessd.engines.remote.first import RemoteFirst, Terms
from earwitnessd.engines.remote.link import Place
from earwitnessd.engines.remote.opening import identity_of, open_remote
from earwitnessd.engines.remote.wire import Identity, from_int16, to_int16
from earwitnessd.engines.speech import speech_windows
from earwitnessd.models import open_model
from earwitnessd.serving.gate import Gate
from earwitnessd.serving.work import Answered, Asked

LENGTH = 3 * 16_000
MODEL = open_model("builtin")


class Served:
    """The local engine, behind a gate; what comes back can be bent."""

    def __init__(self, engine: Embedder) -> None:
        self.engine = engine
        self.identity = identity_of(MODEL)
        self.bend = 0.0

    def __call__(self, asked: Asked) -> Answered:
        vectors = self.engine.embed(from_int16(asked.samples))
        if self.bend:
            vectors = vectors + np.float32(self.bend) * vectors[:, ::-1]
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return Answered(vectors, self.identity, self.engine.device)


class Counting:
    """The local engine, counted."""

    def __init__(self, engine: Embedder) -> None:
        self.engine = engine
        self.model_id, self.device = engine.model_id, engine.device
        self.embedded = 0

    def embed(self, windows: Windows) -> Vectors:
        self.embedded += len(windows)
        return self.engine.embed(windows)

    def warm_up(self, window_samples: int, batch: int) -> None:
        self.engine.warm_up(window_samples, batch)


@pytest.fixture(scope="module")
def local() -> Embedder:
    return open_embedder(MODEL, "cpu", 1)


@pytest.fixture
def served(local: Embedder) -> Served:
    return Served(local)


@pytest.fixture
def opened(served: Served) -> Iterator[Gate]:
    with tempfile.TemporaryDirectory(prefix="ew") as folder:
        gate = Gate(f"ipc://{folder}/g", identity_of(MODEL), served, workers=1)
        yield gate
        gate.close()


def remote(gate: Gate, local: Embedder | None) -> RemoteFirst:
    return open_remote(MODEL, local, Place([gate.address]), Terms(deadline_s=20.0))


def test_a_remote_embedding_is_the_local_one_within_the_promise(opened: Gate, local: Embedder) -> None:
    here = Counting(local)
    engine = remote(opened, here)
    assert engine.lost == ""
    engine.warm_up(LENGTH, 1)
    before = here.embedded
    heard = from_int16(to_int16(speech_windows(11, LENGTH)))
    away = difference(engine.embed_in_time(heard), local.embed(heard))
    assert away.exact
    assert here.embedded == before
    assert engine.model_id == local.model_id


def test_rounding_to_16_bits_is_beyond_what_scores_can_tell(local: Embedder) -> None:
    """Of a source with more bits, such as one that was resampled."""
    speech = speech_windows(8, LENGTH)
    resampled = (0.7 * speech + 0.3 * np.roll(speech, 1, axis=1)).astype(np.float32)
    rounded = from_int16(to_int16(resampled))
    assert np.abs(rounded - resampled).max() > 0
    off = score_difference(local.embed(rounded), local.embed(resampled))
    assert off < RESOLUTION / 10


@pytest.mark.parametrize("bend", [0.01, 0.3])
def test_an_engine_that_miscomputes_is_not_let_in_though_it_has_the_right_name(
    bend: float, opened: Gate, served: Served, local: Embedder
) -> None:
    served.bend = bend
    engine = remote(opened, local)
    assert "its vectors are off by" in engine.lost


def test_other_weights_under_the_same_name_are_refused(opened: Gate, served: Served, local: Embedder) -> None:
    served.identity = Identity(model_id=MODEL.model_id, weights="0" * 64)
    engine = remote(opened, local)
    assert f"computes {MODEL.model_id} (weights 000000000000)" in engine.lost
    assert np.isfinite(engine.embed(speech_windows(1, LENGTH))).all()


def test_a_machine_without_an_engine_of_its_own_takes_what_has_the_right_name(opened: Gate) -> None:
    engine = remote(opened, None)
    assert engine.lost == ""
    vectors = engine.embed(speech_windows(3, LENGTH))
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-5
