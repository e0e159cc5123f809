"""A sound card stalls, floods, zeroes, goes and comes back: what was missed is counted; it is opened anew."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from earwitness.events import SpeakerLost, SpeakerVerified, StreamGap, StreamLost, StreamOpened, WindowScored

from . import fault_microphone
from .fault_microphone import FaultMicrophone
from .patient import RATE, Patient
from .prices import Price

pytestmark = pytest.mark.skipif(bool(fault_microphone.why_not()), reason=fault_microphone.why_not())

STALL_AFTER_S = 2.0  # the setting's default
STOOD_STILL_S = 4.0


@pytest.fixture
def microphone(tmp_path: Path) -> FaultMicrophone:
    return FaultMicrophone(tmp_path)


@pytest.fixture
def daemon(tmp_path: Path, microphone: FaultMicrophone) -> Iterator[Patient]:
    stream = {"source": "microphone", "device": microphone.device}
    with Patient(tmp_path, {"streams": {"desk": stream}}, environment=microphone.environment) as made:
        made.enrol("anna")
        made.wait_for(StreamOpened)
        made.wait_for(SpeakerVerified)
        yield made


def wait(seconds: float) -> None:
    """A fault lasts as long as it lasts."""
    threading.Event().wait(seconds)


def lost_s(daemon: Patient) -> float:
    return daemon.control.status().heartbeat.streams[0].lost_samples / RATE


def away(daemon: Patient, microphone: FaultMicrophone, for_s: float) -> tuple[float, float]:
    """Take the device away and give it back: how much audio was counted lost, and after what it was open."""
    began_s = time.monotonic()
    microphone.now("is gone")
    assert daemon.wait_for(SpeakerLost).previous == "anna"
    daemon.wait_for(StreamLost)
    wait(max(0.0, began_s + for_s - time.monotonic()))
    microphone.now("works")
    there_s = time.monotonic()
    again = daemon.wait_for(StreamOpened, within_s=15.0)
    back_s = time.monotonic() - there_s
    daemon.wait_for(SpeakerVerified, lambda event: event.stream_id == again.stream_id)
    missed_s = lost_s(daemon)
    assert missed_s == pytest.approx(there_s + back_s - began_s, abs=1.0)
    return missed_s, back_s


@pytest.mark.slow
def test_a_device_that_is_gone_is_awaited_and_opened_anew(
    daemon: Patient, microphone: FaultMicrophone, price: Price
) -> None:
    missed_s, back_s = away(daemon, microphone, 2.0)
    assert back_s < 4.0
    price(
        "gone for 2 s",
        lost=f"{missed_s:.1f} s of audio, counted",
        back_s=back_s,
        so="loses the verdict, opens the device again as soon as it is there",
    )


@pytest.mark.slow
def test_a_device_that_is_gone_for_long_is_opened_within_seconds_of_its_return(
    daemon: Patient, microphone: FaultMicrophone, price: Price
) -> None:
    missed_s, back_s = away(daemon, microphone, 20.0)
    assert back_s < 5.0
    log = daemon.log
    assert len(log) < 30_000, "being without a device fills no journal"
    price(
        "gone for 20 s",
        lost=f"{missed_s:.1f} s of audio, counted",
        back_s=back_s,
        so=f"tries every 2 s, in {len(log.splitlines())} log lines",
    )


@pytest.mark.slow
def test_a_device_that_comes_and_goes_costs_neither_memory_nor_journal(
    daemon: Patient, microphone: FaultMicrophone, price: Price
) -> None:
    before = daemon.control.status()
    microphone.now("is weird")
    wait(10.0)
    microphone.now("works")
    there_s = time.monotonic()
    opened = daemon.wait_for(SpeakerVerified, lambda event: not event.replayed, within_s=30.0)
    back_s = time.monotonic() - there_s
    after = daemon.control.status()
    assert after.boot == before.boot
    assert after.heartbeat.streams[0].stream_id == opened.stream_id
    assert after.heartbeat.streams[0].restarts > 0
    assert after.heartbeat.rss_mb - before.heartbeat.rss_mb < 20.0
    assert len(daemon.log) < 60_000
    price(
        "ENODEV storm for 10 s",
        lost=f"{lost_s(daemon):.1f} s of audio, counted",
        back_s=back_s,
        so=f"replaces the capture process {after.heartbeat.streams[0].restarts} times; "
        f"{len(daemon.log.splitlines())} log lines",
    )


@pytest.mark.slow
def test_a_short_stall_is_a_gap_as_long_as_it_was(
    daemon: Patient, microphone: FaultMicrophone, price: Price
) -> None:
    before = daemon.control.status().heartbeat.streams[0]
    began_s = time.monotonic()
    microphone.now("stalls")
    wait(STALL_AFTER_S - 0.8)
    microphone.now("works")
    there_s = time.monotonic()
    gap = daemon.wait_for(StreamGap)
    back_s = time.monotonic() - there_s
    stalled_s = there_s - began_s
    assert gap.samples / RATE == pytest.approx(stalled_s, abs=0.3)
    touched = daemon.wait_for(WindowScored, lambda event: event.stop > gap.start)
    assert "gap" in touched.inconclusive
    whole = daemon.wait_for(WindowScored, lambda event: event.start >= gap.stop)
    assert not whole.inconclusive
    after = daemon.control.status().heartbeat.streams[0]
    assert (after.stream_id, after.speaker) == (before.stream_id, "anna")
    assert (after.gaps, after.lost_samples, after.windows_skipped) == (1, gap.samples, 0)
    price(
        f"stalled for {stalled_s:.1f} s",
        lost=f"{gap.samples / RATE:.1f} s of audio, counted",
        back_s=back_s,
        so="finds the gap by the sample count, tells where it is, marks its windows; the verdict stands",
    )


@pytest.mark.slow
def test_the_burst_after_the_daemon_stood_still_is_heard_to_the_last_sample(
    daemon: Patient, price: Price
) -> None:
    before = daemon.control.status().heartbeat.streams[0]
    daemon.process.send_signal(signal.SIGSTOP)
    wait(STOOD_STILL_S)
    daemon.process.send_signal(signal.SIGCONT)
    there_s = time.monotonic()
    daemon.heartbeat(lambda beat: beat.streams[0].position > before.position + STOOD_STILL_S * RATE)
    back_s = time.monotonic() - there_s
    assert back_s < STOOD_STILL_S / 2, "slower than the burst it shall stand"
    after = daemon.control.status().heartbeat.streams[0]
    assert (after.stream_id, after.speaker, after.restarts) == (before.stream_id, "anna", 0)
    assert (after.lost_samples, after.gaps) == (0, 0)
    price(
        f"the daemon stands still for {STOOD_STILL_S:g} s, then a burst",
        lost=f"no audio; {after.windows_skipped} windows skipped, counted",
        back_s=back_s,
        so="hears all, and judges the newest first",
    )


@pytest.mark.slow
def test_a_long_stall_is_told_from_silence_and_the_device_is_opened_anew(
    daemon: Patient, microphone: FaultMicrophone, price: Price
) -> None:
    microphone.now("stalls")
    stalled_s = time.monotonic()
    lost = daemon.wait_for(StreamLost)
    noticed_s = time.monotonic() - stalled_s
    assert "without a sample" in lost.reason
    assert STALL_AFTER_S - 0.1 < noticed_s < STALL_AFTER_S + 1.5
    wait(3.0)
    microphone.now("works")
    there_s = time.monotonic()
    daemon.wait_for(StreamOpened, within_s=15.0)
    back_s = time.monotonic() - there_s
    price(
        "stalled for good: no sample, no error",
        lost=f"{lost_s(daemon):.1f} s of audio, counted",
        back_s=back_s,
        so=f"notices after {noticed_s:.1f} s by the sample count, and opens the device anew",
    )


@pytest.mark.slow
def test_exact_zeros_are_told_and_decide_nothing(
    daemon: Patient, microphone: FaultMicrophone, price: Price
) -> None:
    microphone.now("zeros")
    daemon.heartbeat(lambda beat: beat.streams[0].zero_run_s > 2.0)
    assert daemon.wait_for(SpeakerLost, within_s=15.0).reason == "silence"
    microphone.now("works")
    there_s = time.monotonic()
    daemon.wait_for(SpeakerVerified)
    stream = daemon.control.status().heartbeat.streams[0]
    assert (stream.zero_run_s, stream.restarts, stream.lost_samples) == (0.0, 0, 0)
    price(
        "nothing but exact zeros",
        lost="the verdict, after its time",
        back_s=time.monotonic() - there_s,
        so="tells `zero_run_s`; the device stays open",
    )
