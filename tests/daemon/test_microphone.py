from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
import pytest
import soundfile

from earwitness.events import SpeechStarted, StreamLost, StreamOpened, WindowScored
from tests import virtual_microphone
from tests.daemon.harness import Daemon
from tests.virtual_microphone import VirtualMicrophone

BACK_WITHIN_S = 10.0  # two seconds of back-off, a new process, and whatever else this machine does

pytestmark = pytest.mark.skipif(bool(virtual_microphone.why_not()), reason=virtual_microphone.why_not())


@pytest.fixture
def microphone(tmp_path_factory: pytest.TempPathFactory, recording: str) -> Iterator[VirtualMicrophone]:
    with VirtualMicrophone(tmp_path_factory.mktemp("mic")) as made:
        samples, _ = soundfile.read(recording, dtype="int16")
        made.say_for_ever(np.asarray(samples))
        yield made


@pytest.fixture
def daemon(tmp_path: Path, tiny_model: str, microphone: VirtualMicrophone) -> Iterator[Daemon]:
    settings = {
        "model": tiny_model,
        "streams": {"desk": {"source": "microphone", "device": VirtualMicrophone.device}},
    }
    with Daemon(tmp_path, settings, environment=microphone.environment) as made:
        yield made


def test_speech_at_a_microphone_is_scored_within_one_hop(daemon: Daemon) -> None:
    daemon.wait_for(StreamOpened)
    daemon.wait_for(SpeechStarted)
    windows = [daemon.wait_for(WindowScored) for _ in range(8)]
    assert median(window.latency_ms.total for window in windows) < 500
    assert any(window.speech_s > 1.0 for window in windows)
    beat = daemon.heartbeat(lambda beat: beat.streams[0].state == "live")
    assert beat.streams[0].level_dbfs is not None
    assert beat.streams[0].lost_samples == 0


def test_a_killed_sound_server_is_reported_and_survived(
    daemon: Daemon, microphone: VirtualMicrophone
) -> None:
    opened = daemon.wait_for(StreamOpened)
    microphone.kill()
    lost = daemon.wait_for(StreamLost)
    assert not lost.final
    deaf = daemon.heartbeat(lambda beat: beat.streams[0].state == "lost")
    deafer = daemon.heartbeat()
    assert deafer.streams[0].lost_samples > deaf.streams[0].lost_samples
    microphone.start()
    back = time.monotonic()
    again = daemon.wait_for(StreamOpened)
    assert time.monotonic() - back < BACK_WITHIN_S
    assert again.stream_id != opened.stream_id
    beat = daemon.heartbeat(lambda beat: beat.streams[0].state == "live")
    assert beat.streams[0].opened == 2
    assert beat.streams[0].lost_samples > 0  # what was said while it was being reopened
    daemon.wait_for(WindowScored, lambda event: event.stream_id == again.stream_id)


def test_a_frozen_sound_server_is_noticed_by_the_clock(daemon: Daemon, microphone: VirtualMicrophone) -> None:
    opened = daemon.wait_for(StreamOpened)
    microphone.freeze()
    lost = daemon.wait_for(StreamLost)
    assert lost.stream_id == opened.stream_id
    assert "without a sample" in lost.reason or "no sample" in lost.reason
    microphone.thaw()
    back = time.monotonic()
    again = daemon.wait_for(StreamOpened)
    assert time.monotonic() - back < BACK_WITHIN_S
    assert again.stream_id != opened.stream_id
    assert daemon.heartbeat(lambda beat: beat.streams[0].state == "live").streams[0].stalls >= 0
