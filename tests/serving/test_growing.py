"""A real Ray of one machine starts another replica when requests wait for the first."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from earwitnessd.engines import open_embedder
from earwitnessd.engines.remote.first import Terms
from earwitnessd.engines.remote.link import Place
from earwitnessd.engines.remote.opening import open_remote
from earwitnessd.engines.remote.wire import from_int16, to_int16
from earwitnessd.engines.speech import speech_windows
from earwitnessd.models import open_model

from .cluster import Head, Serving, wait_until

pytest.importorskip("ray", reason="the extra `ray` is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

LENGTH = 3 * 16_000
DAEMONS = 4
GROWN_WITHIN_S = 120.0  # Ray looks at means over half a minute
REQUESTS = 8
# at once, of each daemon


def test_another_replica_comes_when_requests_wait() -> None:
    model = open_model("builtin")
    local = open_embedder(model, "cpu", 1)
    heard = from_int16(to_int16(speech_windows(8 * REQUESTS, LENGTH)))
    enough = threading.Event()
    with closing(Head()) as head:
        head.start()
        with closing(Serving(head, "--replicas", "1:2", "--cpus-per-replica", "0.5")) as serving:
            serving.wait_until_serving()
            assert len(serving.replicas()) == 1

            def ask() -> None:
                place = Place([serving.address], None, 8, REQUESTS)
                remote = open_remote(model, local, place, Terms(deadline_s=20.0))
                while not enough.is_set():
                    remote.embed_in_time(heard)

            askers = [threading.Thread(target=ask, daemon=True) for _ in range(DAEMONS)]
            for asker in askers:
                asker.start()
            try:
                wait_until(lambda: len(serving.replicas()) == 2, GROWN_WITHIN_S, serving.log_file)
            finally:
                enough.set()
                for asker in askers:
                    asker.join(30.0)
            serving.stop()
