"""The real daemon is killed and comes back: its subscriber's account is exact."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from earwitness.events import Heartbeat
from tests.daemon.conftest import recording, tiny_model
from tests.daemon.harness import Daemon

from .crowd import Accountant

__all__ = ["recording", "tiny_model"]


@pytest.mark.slow
def test_a_subscriber_of_the_real_daemon_knows_what_it_missed(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    settings = {"model": tiny_model, "streams": {"desk": {"source": "file", "path": recording, "loop": True}}}
    with Daemon(tmp_path, settings) as daemon:
        accountant = Accountant(daemon.events_endpoint)
        accountant.start()
        for number in (signal.SIGTERM, signal.SIGKILL):
            assert accountant.arrived.acquire(timeout=20)
            daemon.heartbeat()
            daemon.stop(number)
            daemon.start()
        assert accountant.arrived.acquire(timeout=20)
        last = daemon.heartbeat()
        since = daemon.control.events_since(last.boot, last.seq - 1)
        assert since.complete
        assert isinstance(since.decoded()[0], Heartbeat)
        assert last.sockets.clients >= 3
        accountant.finish()
    assert len(accountant.boots) == 3
    assert accountant.twice == accountant.out_of_order == 0
    assert accountant.counts.missed == accountant.really_missed
