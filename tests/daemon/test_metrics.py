from __future__ import annotations

import re
import socket
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from earwitness.events import WindowScored
from tests.daemon.harness import Daemon


@pytest.mark.slow
def test_a_running_daemon_is_scraped_while_hostile_clients_hang_on(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    settings = {
        "model": tiny_model,
        "metrics": {"listen": "127.0.0.1:0"},
        "streams": {"desk": {"source": "file", "path": recording, "loop": True}},
    }
    with Daemon(tmp_path, settings) as daemon:
        found = re.search(r"metrics on (http://127\.0\.0\.1:(\d+)/metrics)", daemon.log)
        assert found, daemon.log
        address = ("127.0.0.1", int(found[2]))
        daemon.wait_for(WindowScored)
        hostile = [socket.create_connection(address, timeout=5) for _ in range(60)]
        for client in hostile[::2]:
            client.send(b"\x00" * 1000)
        daemon.heartbeat()
        with urllib.request.urlopen(found[1], timeout=10) as response:
            text = response.read().decode()
        told = {
            (sample.name, sample.labels.get("stage") or sample.labels.get("state", "")): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        daemon.heartbeat(lambda beat: beat.uptime_s >= told["earwitness_uptime_seconds", ""])
        for client in hostile:
            client.close()
    assert told["earwitness_stream_state", "live"] == 1.0
    assert told["earwitness_latency_seconds_count", "total"] >= 1.0
    assert told["earwitness_resident_memory_bytes", ""] > 50e6
    assert told["earwitness_uptime_seconds", ""] > 0.0


def test_an_address_that_is_taken_is_said_at_the_start(tmp_path: Path, tiny_model: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        daemon = Daemon(tmp_path, {"model": tiny_model, "metrics": {"listen": f"127.0.0.1:{port}"}})
        daemon.launch()
        assert daemon.process.wait(60) == 3
    daemon.discard()
    assert f"metrics.listen = 127.0.0.1:{port}: cannot listen there" in daemon.log
