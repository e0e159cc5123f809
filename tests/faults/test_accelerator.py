"""A GPU is lost under a running daemon, with whatever CUDA says: no window is lost, and it comes back."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest

from earwitness.events import EngineDegraded, EngineRestored, SpeakerVerified, WindowScored

from .patient import RATE, Patient
from .prices import Price
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
        (tmp_path / "gpu-lost").write_text(says, encoding="utf-8")
        heard = daemon.collect_until(EngineDegraded)
        assert heard[-1].reason == says  # type: ignore[attr-defined]  # an EngineDegraded
        heard += daemon.collect_until(WindowScored)
        beat = daemon.control.status().heartbeat
        assert beat.engine.degraded == says
        assert beat.engine.device == "a test, in place of a GPU"
        (tmp_path / "gpu-lost").unlink()
        began_s = time.monotonic()
        heard += daemon.collect_until(EngineRestored)
        back_s = HASTE * (time.monotonic() - began_s)
        heard += daemon.collect_until(WindowScored)
        after = daemon.heartbeat(lambda beat: not beat.engine.degraded)
    assert after.engine.device == "a GPU"
    assert after.streams[0].windows_skipped == after.streams[0].lost_samples == 0
    assert after.streams[0].speaker == "anna"
    starts = [event.start for event in heard if isinstance(event, WindowScored)]
    assert {(later - earlier) / RATE for earlier, later in pairwise(starts)} == {0.5}
    price(
        f"the GPU is {fault}",
        lost="nothing",
        back_s=back_s,
        so="computes on the CPU, tells `engine.degraded`, and asks for the GPU again after 5, 10, 20 ... s",
    )
