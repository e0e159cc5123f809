"""The watchdog is fed by progress only: whatever stands still, it bites, and what was there comes back."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from earwitness.events import StreamOpened, WindowScored
from tests.daemon.harness import children_of, gone

from . import freezer
from .freezer import Freezer
from .patient import Patient
from .prices import Price
from .watchdog import ServiceManager

WATCHDOG_S = 3.0  # the service says 30: there, all this takes as many times longer
BITES_WITHIN_S = (
    WATCHDOG_S / 3 + 1.0 + WATCHDOG_S + 1.0
)  # patience, a heartbeat, the watchdog, a busy machine


def bitten(daemon: Patient) -> float:
    """What systemd does: SIGABRT, and start it again."""
    daemon.process.send_signal(signal.SIGABRT)
    daemon.process.wait(10)
    seconds = daemon.restart()
    daemon.wait_for(WindowScored)
    return seconds


@pytest.mark.slow
def test_a_hung_engine_starves_the_watchdog(tmp_path: Path, price: Price) -> None:
    with (
        ServiceManager(tmp_path, WATCHDOG_S) as manager,
        Patient(tmp_path, environment=manager.environment) as daemon,
    ):
        daemon.enrol("anna")
        daemon.wait_for(WindowScored, lambda event: bool(event.scores))
        manager.await_food()
        boot = daemon.control.status().boot
        daemon.hang_engine()
        bites_s = manager.await_bite()
        assert bites_s < BITES_WITHIN_S
        assert "no progress: the engine has not turned for" in daemon.log
        assert daemon.control.status().boot == boot, "the main thread still answers"
        daemon.heal()
        back_s = bitten(daemon)
        assert daemon.names() == ["anna"]
        assert daemon.control.status().boot != boot
    price(
        "the engine hangs",
        lost=f"{bites_s + back_s:.1f} s of audio",
        back_s=bites_s + back_s,
        so=f"starves a watchdog of {WATCHDOG_S:g} s, which restarts it; answers `status` until then",
    )


@pytest.mark.slow
def test_a_hung_main_thread_starves_the_watchdog(tmp_path: Path, price: Price) -> None:
    with (
        ServiceManager(tmp_path, WATCHDOG_S) as manager,
        Patient(tmp_path, environment=manager.environment) as daemon,
    ):
        daemon.enrol("anna")
        manager.await_food()
        children = children_of(daemon.pid)
        daemon.process.send_signal(signal.SIGUSR1)
        bites_s = manager.await_bite()
        assert bites_s < BITES_WITHIN_S
        back_s = bitten(daemon)
        assert all(gone(child, 1.0) for child in children)
        assert daemon.names() == ["anna"]
    price(
        "the main thread hangs",
        lost=f"{bites_s + back_s:.1f} s of audio",
        back_s=bites_s + back_s,
        so=f"starves a watchdog of {WATCHDOG_S:g} s, which restarts it",
    )


@pytest.mark.slow
def test_a_frozen_capture_is_replaced_and_the_watchdog_stays_fed(tmp_path: Path, price: Price) -> None:
    with (
        ServiceManager(tmp_path, WATCHDOG_S) as manager,
        Patient(tmp_path, environment=manager.environment) as daemon,
    ):
        opened = daemon.wait_for(StreamOpened)
        manager.await_food()
        boot = daemon.control.status().boot
        (child,) = children_of(daemon.pid)
        began_s = time.monotonic()
        os.kill(child, signal.SIGSTOP)
        daemon.wait_for(StreamOpened, lambda event: event.stream_id != opened.stream_id)
        back_s = time.monotonic() - began_s
        assert manager.stays_fed(WATCHDOG_S)
        beat = daemon.control.status().heartbeat
        assert (beat.boot or boot, beat.streams[0].kills) == (boot, 1)
        lost_s = beat.streams[0].lost_samples / 16_000
    assert lost_s == pytest.approx(back_s, abs=1.0)
    price(
        "a capture process hangs",
        lost=f"{lost_s:.1f} s of audio, counted",
        back_s=back_s,
        so="kills and replaces the process; the service goes on",
    )


@pytest.mark.slow
@pytest.mark.skipif(bool(freezer.why_not()), reason=freezer.why_not())
def test_a_capture_that_not_even_sigkill_ends_starves_the_watchdog(tmp_path: Path, price: Price) -> None:
    with (
        Freezer() as ice,
        ServiceManager(tmp_path, WATCHDOG_S) as manager,
        Patient(tmp_path, environment=manager.environment) as daemon,
    ):
        daemon.wait_for(StreamOpened)
        manager.await_food()
        (child,) = children_of(daemon.pid)
        ice.freeze(child)
        bites_s = manager.await_bite()
        assert bites_s < BITES_WITHIN_S + 2.0
        assert "stream desk is live, but nothing came from it" in daemon.log
        ice.thaw()
        back_s = bitten(daemon)
    price(
        "a capture process that cannot be killed",
        lost=f"{bites_s + back_s:.1f} s of audio",
        back_s=bites_s + back_s,
        so=f"starves a watchdog of {WATCHDOG_S:g} s, which restarts the service",
    )


@pytest.mark.slow
def test_who_has_nothing_to_do_is_not_bitten(tmp_path: Path, price: Price) -> None:
    absent = {"source": "pipe", "path": str(tmp_path / "absent")}
    streams = {"gone": absent, "off": {**absent, "paused": True}}
    with (
        ServiceManager(tmp_path, WATCHDOG_S) as manager,
        Patient(tmp_path, {"streams": streams}, environment=manager.environment),
    ):
        manager.await_food()
        assert manager.stays_fed(2 * WATCHDOG_S)
    price("nothing to hear, all streams lost or paused", lost="nothing", back_s=None, so="feeds the watchdog")
