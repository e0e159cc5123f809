"""A settings file that is broken when it is read again: the old settings stay, and it is told everywhere."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from earwitness.control import ControlError
from earwitness.events import DaemonReloaded, StreamOpened, WindowScored

from .patient import Patient
from .prices import Price

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(8)
)


def text(content: str) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        file.write_text(content, encoding="utf-8")

    return write


def binary(file: Path) -> None:
    file.write_bytes(os.urandom(5000))


def folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


BREAKAGES: dict[str, Callable[[Path], None]] = {
    "not YAML": text("streams: [desk\n"),
    "a wrong value": text("windows: {hop_s: -3}\n"),
    "an unknown key": text("modle: builtin\n"),
    "no settings": text("[1, 2, 3]\n"),
    "no stream": text("streams: {}\n"),
    "bytes": binary,
    "nested too deep": text("[" * 5000 + "]" * 5000),
    "references that multiply": text(BOMB),
    "a calibration that is not there": text("decision: {calibration: /nowhere, method: calibrated}\n"),
    "gone": Path.unlink,
    "a folder": folder,
}


def test_whatever_is_wrong_with_the_file_the_old_settings_stay(tmp_path: Path, price: Price) -> None:
    with Patient(tmp_path) as daemon:
        opened = daemon.wait_for(StreamOpened)
        whole = daemon.config.read_bytes()
        boot = daemon.control.status().boot
        for name, breaks in BREAKAGES.items():
            breaks(daemon.config)
            with pytest.raises(ControlError) as refused:
                daemon.control.reload()
            assert refused.value.code == "refused", name
            told = daemon.wait_for(DaemonReloaded, lambda event: event.error is not None)
            assert told.error == refused.value.message
            assert len(told.error) < 2000, name
            assert f"reload refused, the old settings stay: {told.error[:60]}" in daemon.log, name
            if daemon.config.is_dir():
                daemon.config.rmdir()
            daemon.config.write_bytes(whole)
        daemon.process.send_signal(signal.SIGHUP)
        assert daemon.wait_for(DaemonReloaded, lambda event: event.error is None).changed == []
        daemon.wait_for(WindowScored)
        status = daemon.control.status()
        assert status.boot == boot
        assert (status.heartbeat.streams[0].stream_id, status.heartbeat.streams[0].lost_samples) == (
            opened.stream_id,
            0,
        )
    price(
        f"settings broken on reload, in {len(BREAKAGES)} ways",
        lost="nothing",
        back_s=None,
        so="keeps the old ones; tells why in the reply, in `daemon.reloaded` and in the log",
    )
