"""A replica batches what several ask for, passes over who has no time left, and knows when it is ill."""

from __future__ import annotations

import asyncio
import dataclasses
import time

import numpy as np
import pytest

from earwitnessd.engines import Vectors, Windows
from earwitnessd.engines.exactness import difference
from earwitnessd.engines.remote.wire import from_int16, to_int16
from earwitnessd.engines.speech import speech_windows
from earwitnessd.models import open_model
from earwitnessd.models.record import sha256_of
from earwitnessd.serving.replica import Due, EmbeddingReplica, UnhealthyError
from earwitnessd.serving.run import Entrance
from earwitnessd.serving.wish import Replicas, ServingError, Wish, known_precision

MODEL = open_model("builtin")
WISH = Wish(model="builtin", model_id=MODEL.model_id, weights=sha256_of(MODEL.weights), window_s=2.0)
SPEECH = to_int16(speech_windows(5, 32_000))


@pytest.fixture(scope="module")
def replica() -> EmbeddingReplica:
    return EmbeddingReplica(WISH)


def in_time(samples: np.ndarray[tuple[int, ...], np.dtype[np.int16]]) -> Due:
    return Due(samples, time.monotonic() + 30.0)


def test_each_request_gets_its_own_rows_whatever_shares_the_batch(replica: EmbeddingReplica) -> None:
    longer = to_int16(speech_windows(2, 48_000))
    asked = [in_time(SPEECH[:2]), in_time(longer), in_time(SPEECH[2:])]
    answers = asyncio.run(replica.embed(asked))
    for due, answer in zip(asked, answers, strict=True):
        assert answer.vectors is not None
        alone = replica._engine.embed(from_int16(due.samples))
        assert difference(answer.vectors, alone).exact
        assert answer.identity.weights == WISH.weights


def test_who_has_no_time_left_is_passed_over(replica: EmbeddingReplica) -> None:
    late = Due(SPEECH[:1], time.monotonic() - 0.001)
    answers = asyncio.run(replica.embed([late, in_time(SPEECH[1:2])]))
    assert answers[0].vectors is None
    assert answers[1].vectors is not None


def test_an_engine_that_changes_is_unhealthy(replica: EmbeddingReplica) -> None:
    asyncio.run(replica.check())

    class Ill:
        device, model_id = "a GPU with a fever", "m"

        def embed(self, windows: Windows) -> Vectors:
            return replica_engine.embed(windows)[:, ::-1]

        def warm_up(self, window_samples: int, batch: int) -> None:
            """Nothing to do."""

    replica_engine = replica._engine
    replica._engine = Ill()
    try:
        with pytest.raises(UnhealthyError, match="a GPU with a fever embeds a known window differently"):
            asyncio.run(replica.check())
    finally:
        replica._engine = replica_engine


def test_a_node_with_another_model_under_the_name_serves_nothing() -> None:
    with pytest.raises(ServingError, match="has another model under the name builtin"):
        EmbeddingReplica(dataclasses.replace(WISH, weights="0" * 64))


@pytest.mark.parametrize(("text", "least", "most"), [("1", 1, 1), ("3", 3, 3), ("1:8", 1, 8)])
def test_replicas_are_a_number_or_a_range(text: str, least: int, most: int) -> None:
    assert Replicas.parse(text) == Replicas(least, most)


@pytest.mark.parametrize("text", ["0", "8:1", "x", "1:", "", "1:99999", "-1"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ServingError, match="expected a number such as 2"):
        Replicas.parse(text)


def test_nobody_comes_in_by_tcp_without_a_key_unless_that_is_said(tmp_path: object) -> None:
    with pytest.raises(ServingError, match="tcp needs --secret-key and --clients"):
        Entrance.checked("tcp://0.0.0.0:7803", None, None, insecure=False)
    assert Entrance.checked("tcp://0.0.0.0:7803", None, None, insecure=True).keys is None
    with pytest.raises(ServingError, match="must be tcp://ADDRESS:PORT or ipc://PATH"):
        Entrance.checked("0.0.0.0:7803", None, None, insecure=True)
    with pytest.raises(ServingError, match="expected exact, fast, auto"):
        known_precision("slow")
