from __future__ import annotations

import os
import subprocess
import sys
import time

import msgspec
import numpy as np
import pytest

from earwitnessd.capture.devices import Listing
from earwitnessd.capture.messages import Alive, Ended, Lost, Opened, Samples
from earwitnessd.capture.supervisor import Patience
from earwitnessd.settings.sources import Microphone
from tests.capture.harness import Capture
from tests.virtual_microphone import VirtualMicrophone, tone

BUSY_S = 5.0  # longer than what the kernel keeps for the engine
MIC = Microphone(device=VirtualMicrophone.device)


def lag_of(heard: Samples, said: Samples) -> tuple[int, float]:
    """Where `said` is in `heard`, and how well it fits there (1.0: the same shape)."""
    size = 1 << int(np.ceil(np.log2(len(heard) + len(said))))
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)), size)
    lag = int(np.argmax(product[: len(heard) - len(said)]))
    part = heard[lag : lag + len(said)]
    return lag, float(np.dot(part, said) / (np.linalg.norm(part) * np.linalg.norm(said) + 1e-9))


def test_what_is_said_arrives_intact_and_in_time(microphone: VirtualMicrophone) -> None:
    noise = np.random.default_rng(5).standard_normal(32_000)
    spoken = np.convolve(noise, np.hanning(9) / 4, "same")  # speech has little above 4 kHz
    said = np.round(np.clip(spoken * 5_000, -30_000, 30_000)).astype(np.int16)
    with Capture(MIC, environment=microphone.environment) as capture:
        opened = capture.until_said(Opened)
        capture.until_heard(8_000)
        microphone.say(said)
        heard = capture.until_heard(8_000 + 32_000 + 12_000)
        status = capture.supervisor.status
    assert opened.description == microphone.device
    assert opened.paced
    assert (status.state, status.restarts) == ("listening", 0)
    _, fit = lag_of(heard, said.astype(np.float32))
    assert fit > 0.999
    assert capture.of(Lost) == []
    audio = [audio for audio, _ in capture.blocks]
    elapsed_s = (audio[-1].monotonic_ns - audio[0].monotonic_ns) / 1e9
    assert elapsed_s == pytest.approx((audio[-1].position - audio[0].position) / 16_000, abs=0.25)


def test_silence_is_told_from_absence(microphone: VirtualMicrophone) -> None:
    with Capture(MIC, environment=microphone.environment) as capture:
        capture.until(lambda: bool(capture.of(Alive)) and capture.of(Alive)[-1].zero_run_s > 1.0)
        assert capture.supervisor.status.state == "listening"
        microphone.say_for_ever(tone(440.0, 1.0))
        capture.until(lambda: capture.of(Alive)[-1].zero_run_s == 0.0)


def test_a_killed_sound_server_ends_the_stream_and_its_return_opens_another(
    microphone: VirtualMicrophone,
) -> None:
    microphone.say_for_ever(tone(440.0, 1.0))
    with Capture(MIC, environment=microphone.environment) as capture:
        capture.until_heard(16_000)
        first = capture.supervisor.stream_id
        microphone.kill()
        began_s = time.monotonic()
        ended = capture.until_said(Ended)
        assert time.monotonic() - began_s < MIC.stall_after_s + 1.0
        assert (ended.stream_id, ended.final) == (first, False)
        assert ended.position == len(capture.heard(first))
        capture.until(lambda: capture.supervisor.status.restarts >= 1)
        microphone.restart()
        took_s = capture.until(lambda: len(capture.of(Opened)) == 2)
        assert took_s < 5.0
        second = capture.of(Opened)[1].stream_id
        heard = capture.until_heard(16_000, second)
    assert second != first
    assert np.abs(heard[8_000:]).max() == pytest.approx(0.5, abs=0.05)


def test_a_frozen_sound_server_is_noticed_by_the_samples_that_do_not_come(
    microphone: VirtualMicrophone,
) -> None:
    source = Microphone(device=microphone.device, stall_after_s=1.0)
    with Capture(source, environment=microphone.environment) as capture:
        capture.until_heard(16_000)
        microphone.freeze()
        began_s = time.monotonic()
        ended = capture.until_said(Ended)
        assert time.monotonic() - began_s < 2.0
        assert "stopped delivering" in ended.reason
        assert not ended.final
        capture.until(lambda: capture.supervisor.stream_id != ended.stream_id)
        microphone.thaw()
        capture.until(lambda: len(capture.of(Opened)) == 2)


def test_a_short_freeze_is_late_not_lost(microphone: VirtualMicrophone) -> None:
    with Capture(MIC, environment=microphone.environment) as capture:
        capture.until_heard(24_000)
        microphone.freeze()
        frozen_s = time.monotonic()
        capture.until(lambda: time.monotonic() > frozen_s + 1.0)
        microphone.thaw()
        capture.until(lambda: capture.of(Alive)[-1].stalls == 1)
        end = capture.blocks[-1][0].position + 24_000
        capture.until(lambda: capture.blocks[-1][0].position > end)
        assert capture.of(Ended) == []
    print(capture.of(Lost))
    # PulseAudio's pipe source makes up for the time it slept, or the clock shows what it did not.
    first, last = capture.blocks[0][0], capture.blocks[-1][0]
    elapsed_s = (last.monotonic_ns - first.monotonic_ns) / 1e9
    assert (last.position - first.position) / 16_000 == pytest.approx(elapsed_s, abs=0.35)


def test_a_busy_engine_costs_nothing_for_seconds(microphone: VirtualMicrophone) -> None:
    microphone.say_for_ever(tone(440.0, 1.0))
    with Capture(MIC, environment=microphone.environment, patience=Patience(hang_s=2.0)) as capture:
        capture.until_heard(8_000)
        capture.taking = False
        busy_s = time.monotonic()
        capture.until(lambda: time.monotonic() > busy_s + BUSY_S)
        capture.taking = True
        heard = capture.until_heard(8_000 + round(16_000 * (BUSY_S + 1.0)))
        assert capture.supervisor.status.kills == 0
    assert np.abs(np.diff(heard[8_000:])).max() < 0.15  # no seam in the tone


def test_an_absent_device_is_tried_again_and_says_what_there_is(microphone: VirtualMicrophone) -> None:
    with Capture(Microphone(device="Blue Yeti"), environment=microphone.environment) as capture:
        ended = capture.until_said(Ended)
        assert not ended.final
        assert "Blue Yeti" in ended.reason
        assert microphone.device in ended.reason
        capture.until(lambda: capture.supervisor.status.restarts == 1)


def test_devices_are_listed_as_json(microphone: VirtualMicrophone) -> None:
    command = [sys.executable, "-m", "earwitnessd.capture", "--list-devices"]
    done = subprocess.run(command, env=microphone.environment, capture_output=True, timeout=10.0, check=True)
    listing = msgspec.json.decode(done.stdout, type=Listing)
    assert microphone.device in [device.name for device in listing.devices]
    assert [device.is_default for device in listing.devices].count(True) == 1


def test_the_device_is_free_while_paused(microphone: VirtualMicrophone) -> None:
    def recorders() -> bytes:
        asked = ["pactl", "list", "short", "source-outputs"]
        return subprocess.run(asked, env=microphone.environment, capture_output=True, check=True).stdout

    with Capture(MIC, environment=microphone.environment) as capture:
        capture.until_heard(1_600)
        assert recorders()
        capture.supervisor.pause(time.monotonic())
        capture.until_state("paused")
        assert not recorders()
        capture.supervisor.resume(time.monotonic())
        capture.until_heard(1_600)


def test_a_missing_portaudio_says_how_to_install_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("shadow")
    (folder / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    with Capture(Microphone(), environment={**os.environ, "PYTHONPATH": str(folder)}) as capture:
        ended = capture.until_said(Ended)
        capture.until_state("failed")
    assert "apt-get install libportaudio2" in ended.reason
    assert ended.final
