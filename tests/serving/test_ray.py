"""A real Ray of one machine: replicas die, stall and are another model, and no window is lost unsaid."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from earwitnessd.engines import Embedder, open_embedder
from earwitnessd.engines.exactness import difference
from earwitnessd.engines.remote.first import RemoteFirst, Terms
from earwitnessd.engines.remote.link import Link, Place, Tally, WrongModelError
from earwitnessd.engines.remote.opening import open_remote
from earwitnessd.engines.remote.wire import Identity, from_int16, to_int16
from earwitnessd.engines.speech import speech_windows
from earwitnessd.models import open_model

from .cluster import Head, Serving, wait_until

pytest.importorskip("ray", reason="the extra `ray` is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(170)]

LENGTH = 3 * 16_000
DEADLINE_S = 2.0
MODEL = open_model("builtin")
SPEECH = from_int16(to_int16(speech_windows(8, LENGTH)))


@pytest.fixture(scope="module")
def local() -> Embedder:
    return open_embedder(MODEL, "cpu", 1)


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    with closing(Head()) as started:
        started.start()
        yield started


@pytest.fixture(scope="module")
def serving(head: Head) -> Iterator[Serving]:
    with closing(Serving(head, "--replicas", "2", "--cpus-per-replica", "0.5")) as served:
        served.wait_until_serving()
        yield served


@pytest.fixture
def remote(serving: Serving, local: Embedder) -> RemoteFirst:
    engine = open_remote(MODEL, local, Place([serving.address], None, 2, 4), Terms(DEADLINE_S, failures=2))
    engine.warm_up(LENGTH, 1)
    wait_until(lambda: back(engine), 60.0, serving.log_file)
    return engine


def back(engine: RemoteFirst) -> bool:
    engine.changes()
    return not engine.lost


class Account:
    """Embeds as the daemon does, and keeps account."""

    def __init__(self, engine: RemoteFirst, local: Embedder) -> None:
        self.engine = engine
        self.expected = local.embed(SPEECH)
        self.before = engine.figures()
        self.asked = self.missing = 0
        self.longest_s = 0.0

    def batch(self) -> None:
        began_s = time.monotonic()
        vectors = self.engine.embed_in_time(SPEECH)
        self.longest_s = max(self.longest_s, time.monotonic() - began_s)
        there = np.isfinite(vectors).all(axis=1)
        self.asked += len(SPEECH)
        self.missing += int((~there).sum())
        if there.any():
            assert difference(vectors[there], self.expected[there]).exact

    def check(self) -> None:
        now, before = self.engine.figures(), self.before
        assert now.dropped - before.dropped == self.missing
        told = [now.remote - before.remote, now.local - before.local, now.dropped - before.dropped]
        assert sum(told) == self.asked


def test_embeddings_are_those_of_this_machine(remote: RemoteFirst, local: Embedder) -> None:
    account = Account(remote, local)
    for _ in range(5):
        account.batch()
    account.check()
    assert account.missing == 0
    assert remote.figures().remote - account.before.remote == account.asked


def test_another_model_is_refused(serving: Serving) -> None:
    other = Identity(model_id="somebody@else", weights="0" * 64)
    with closing(Link(Place([serving.address]), other, Tally())) as link:
        link.wait_until_up(10.0)
        with pytest.raises(WrongModelError, match="is served here, and somebody@else"):
            link.ask(to_int16(SPEECH), 10.0)


def test_a_replica_that_is_killed_under_load_costs_no_window(
    remote: RemoteFirst, local: Embedder, serving: Serving
) -> None:
    account = Account(remote, local)
    killed = serving.replicas()
    assert len(killed) == 2
    until_s = time.monotonic() + 12.0
    for number in range(10_000):
        if number == 5:
            os.kill(killed[0], signal.SIGKILL)
        account.batch()
        if time.monotonic() > until_s and len(serving.replicas()) == 2:
            break
    account.check()
    assert account.missing == 0
    assert killed[0] not in serving.replicas()
    assert account.longest_s < DEADLINE_S + 1.0
    wait_until(lambda: back(remote), 60.0, serving.log_file)
    before = remote.figures().remote
    account.batch()
    assert remote.figures().remote == before + len(SPEECH)


def test_stalled_replicas_keep_nobody_past_the_deadline(
    remote: RemoteFirst, local: Embedder, serving: Serving
) -> None:
    account, stalled = Account(remote, local), serving.replicas()
    for pid in stalled:
        os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(4):
            account.batch()
    finally:
        for pid in stalled:
            os.kill(pid, signal.SIGCONT)
    account.check()
    assert "no" in remote.figures().last_failure
    assert remote.lost
    assert account.longest_s < DEADLINE_S + 1.0
    wait_until(lambda: back(remote), 60.0, serving.log_file)
    account.batch()
    account.check()


def test_when_the_head_is_restarted_the_work_returns_to_it(
    remote: RemoteFirst, local: Embedder, serving: Serving, head: Head
) -> None:
    account, pid = Account(remote, local), serving.pid
    served = serving.log.count(" serving ")
    head.kill()
    restarting = threading.Thread(target=head.start)
    for number in range(10_000):
        if number == 2:
            restarting.start()
        account.batch()
        if remote.lost and number > 3:
            break
    assert [change.lost for change in remote.changes()] != [""]
    restarting.join(60.0)
    serving.wait_until_serving(served + 1)
    assert serving.pid == pid
    wait_until(lambda: back(remote), 60.0, serving.log_file)
    before = remote.figures().remote
    account.batch()
    account.check()
    assert remote.figures().remote == before + len(SPEECH)


def test_told_to_stop_it_takes_its_application_away(serving: Serving) -> None:
    assert serving.replicas()
    assert serving.stop() == 0
    wait_until(lambda: not serving.replicas(), 30.0, serving.log_file)
