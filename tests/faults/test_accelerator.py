"""A GPU is lost under a running daemon, with whatever CUDA says: no window is lost, and it comes back."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest

from earwitness.events import EngineDegraded, EngineRestored, SpeakerVerified, WindowScored

from .conftest import Price
from .patient import RATE, Patient
from .program import HASTE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("lost", "CUDA error: unspecified launch failure"),
        ("out of memory", "CUDA out of memory. Tried to allocate 20.00 MiB"),
    ],
)
def test_a_lost_gpu_costs_no_window_and_is_told(tmp_path: Path, fault: str, says: str, price: Price) -> None:
    (tmp_path / "gpu").touch()
    with Patient(tmp_path) as daemon:
        daemon.enrol("anna")
        daemon.wait_for(SpeakerVerified)
        told = [daemon.wait_for(WindowScored)]
        (tmp_path / "gpu-lost").write_text(says, encoding="utf-8")
        degraded = daemon.wait_for(EngineDegraded)
        assert degraded.reason == says
        told += [daemon.wait_for(WindowScored) for _ in range(2)]
        beat = daemon.control.status().heartbeat
        assert beat.engine.degraded == says
        assert beat.engine.device == "a test, in place of a GPU"
        (tmp_path / "gpu-lost").unlink()
        began_s = time.monotonic()
        daemon.wait_for(EngineRestored)
        back_s = HASTE * (time.monotonic() - began_s)
        told += [daemon.wait_for(WindowScored) for _ in range(2)]
        after = daemon.control.status().heartbeat
    assert (after.engine.degraded, after.engine.device) == ("", "a GPU")
    assert after.streams[0].windows_skipped == after.streams[0].lost_samples == 0
    assert after.streams[0].speaker == "anna"
    assert {(b.start - a.start) / RATE for a, b in pairwise(told)} <= {0.5, 1.0, 1.5, 2.0}
    price(
        f"the GPU is {fault}",
        lost="nothing",
        back_s=back_s,
        so="computes on the CPU, tells `engine.degraded`, and asks for the GPU again after 5, 10, 20 ... s",
    )
