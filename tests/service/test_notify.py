"""What systemd is told, over a real datagram socket."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from earwitnessd.service.notify import ServiceManager

SPOKEN_S = 5.0


@pytest.fixture(params=["file", "abstract"])
def systemd(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """The socket that the service manager listens on."""
    name = str(tmp_path / "notify")
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.settimeout(SPOKEN_S)
        listening.bind(name if request.param == "file" else f"\0{name}")
        monkeypatch.setenv("NOTIFY_SOCKET", name if request.param == "file" else f"@{name}")
        yield listening


def heard(listening: socket.socket) -> str:
    return listening.recv(4096).decode()


def test_the_states_of_a_service_are_told(systemd: socket.socket) -> None:
    manager = ServiceManager()
    manager.ready()
    manager.progress()
    manager.stopping()
    assert [heard(systemd) for _ in range(3)] == ["READY=1", "WATCHDOG=1", "STOPPING=1"]


def test_a_reload_is_told_with_the_time_that_systemd_asks_for(systemd: socket.socket) -> None:
    before_us = time.monotonic_ns() // 1000
    ServiceManager().reloading()
    state, stamp = heard(systemd).split("\n")
    assert state == "RELOADING=1"
    name, _, value = stamp.partition("=")
    assert name == "MONOTONIC_USEC"
    assert before_us <= int(value) <= time.monotonic_ns() // 1000


def test_a_status_is_told_when_it_changes_and_only_then(systemd: socket.socket) -> None:
    manager = ServiceManager()
    for line in ("loading", "loading", "desk listens", "desk listens", "loading"):
        manager.status(line)
    manager.ready()
    said = [heard(systemd) for _ in range(4)]
    assert said == ["STATUS=loading", "STATUS=desk listens", "STATUS=loading", "READY=1"]


def test_a_line_feed_in_a_status_does_not_begin_another_message(systemd: socket.socket) -> None:
    ServiceManager().status("desk lost (device\nSTOPPING=1)")
    assert heard(systemd) == "STATUS=desk lost (device STOPPING=1)"


def test_children_do_not_inherit_the_managers_address(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "20000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert ServiceManager().watchdog_s == 20.0
    assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}.intersection(os.environ)


def test_a_watchdog_that_is_meant_for_another_process_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "20000000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert ServiceManager().watchdog_s is None


def test_without_a_manager_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    manager = ServiceManager()
    manager.ready()
    manager.status("nobody hears this")
    assert manager.watchdog_s is None


def test_a_manager_that_is_gone_is_no_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "none"))
    ServiceManager().ready()


def test_a_manager_that_reads_nothing_does_not_hold_the_service_up(systemd: socket.socket) -> None:
    manager = ServiceManager()
    most_waiting = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
    for _ in range(most_waiting + 100):
        manager.progress()
    assert heard(systemd) == "WATCHDOG=1"
