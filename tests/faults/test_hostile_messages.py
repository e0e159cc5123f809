"""A thousand hostile control messages: each is answered, nothing is changed, nothing is lost."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import msgspec
import pytest
import zmq

from earwitness.control import Reply
from earwitness.events import WindowScored
from tests.soaking.sampling import sample

from .hostile import message
from .patient import Patient
from .prices import Price

WARM_UP = 1000  # of which huge ones make the allocator take what it needs, little by little
MESSAGES = 1000


@pytest.mark.slow
def test_a_thousand_hostile_messages_are_all_answered_and_change_nothing(
    tmp_path: Path, price: Price
) -> None:
    random = Random(7)
    with Patient(tmp_path) as daemon, zmq.Context() as context, context.socket(zmq.DEALER) as client:
        client.linger = 0
        client.connect(daemon.control_endpoint)
        daemon.enrol("anna")
        for _ in range(WARM_UP):
            client.send_multipart(message(random))
            assert client.poll(20_000), daemon.log
            client.recv_multipart()
        before, was = daemon.control.status().heartbeat, sample(daemon.pid, 0.0)
        began_s = time.monotonic()
        errors = 0
        for _ in range(MESSAGES):
            client.send_multipart(message(random))
            assert client.poll(20_000), daemon.log
            errors += msgspec.json.decode(client.recv_multipart()[-1], type=Reply).error is not None
        took_s = time.monotonic() - began_s
        after, now = daemon.control.status().heartbeat, sample(daemon.pid, 0.0)
        assert errors > MESSAGES / 2
        assert after.sockets.control_requests >= before.sockets.control_requests + MESSAGES
        assert daemon.names() == ["anna"]
        assert now.rss_mb - was.rss_mb < 20.0
        assert (now.threads, now.children) == (was.threads, was.children)
        assert after.streams[0].state in {"live", "paused"}
        daemon.control.resume("desk")
        daemon.wait_for(WindowScored)
        assert daemon.control.status().heartbeat.streams[0].lost_samples == 0
        assert "Traceback" not in daemon.log
    price(
        f"{MESSAGES} hostile control messages",
        lost=f"nothing (+{now.rss_mb - was.rss_mb:.1f} MB)",
        back_s=None,
        so=f"answers each ({errors} with an error), {1000 * took_s / MESSAGES:.1f} ms each",
    )
