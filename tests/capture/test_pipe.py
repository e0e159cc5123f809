from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from earwitnessd.capture.messages import Alive, Ended, Lost, Opened, Samples
from earwitnessd.capture.pipe import decode
from earwitnessd.settings.sources import Pipe
from tests.capture.harness import Capture


def noise(count: int, seed: int = 3) -> Samples:
    return (np.random.default_rng(seed).integers(-20_000, 20_000, count) / 32_768).astype(np.float32)


def s16le(samples: Samples) -> bytes:
    return np.round(samples * 32_768).astype("<i2").tobytes()


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "mic.fifo"
    os.mkfifo(path)
    return path


@pytest.fixture
def standard_input() -> Iterator[int]:
    """The writing end of what children inherit as their standard input."""
    reading, writing = os.pipe()
    saved = os.dup(0)
    os.dup2(reading, 0)
    os.close(reading)
    yield writing
    os.dup2(saved, 0)
    os.close(saved)


def write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def test_what_is_written_into_a_fifo_is_heard_exactly_and_its_end_is_not_final(fifo: Path) -> None:
    spoken = noise(30_000)
    with Capture(Pipe(path=str(fifo))) as capture:
        capture.until_state("waiting")
        fd = os.open(fifo, os.O_WRONLY)
        data = s16le(spoken)
        write_all(fd, data[:10_001])  # half a sample
        capture.until_said(Opened)
        write_all(fd, data[10_001:])
        os.close(fd)
        ended = capture.until_said(Ended)
        np.testing.assert_array_equal(capture.heard(ended.stream_id), spoken)
        assert (ended.reason, ended.final) == ("the writer closed the FIFO", False)

        capture.until_state("waiting")
        fd = os.open(fifo, os.O_WRONLY)
        write_all(fd, s16le(spoken[:2_000]))
        capture.until_heard(2_000)
        os.close(fd)
        assert capture.of(Opened)[-1].stream_id == "01234567-desk-2"


def test_a_fifo_that_nobody_writes_to_waits_and_is_not_dead(fifo: Path) -> None:
    with Capture(Pipe(path=str(fifo), stall_after_s=0.2)) as capture:
        capture.until_said(Alive, count=4)
        assert capture.supervisor.status.state == "waiting"
        assert not capture.of(Opened)
        assert not capture.of(Ended)


def test_a_writer_that_keeps_silent_leaves_a_gap_of_that_length(fifo: Path) -> None:
    spoken = noise(1_600)
    with Capture(Pipe(path=str(fifo), stall_after_s=0.6)) as capture:
        fd = os.open(fifo, os.O_WRONLY)
        silent_s = time.monotonic()
        write_all(fd, s16le(spoken))
        capture.until_heard(1_600)
        capture.until(lambda: time.monotonic() > silent_s + 1.1)
        write_all(fd, s16le(spoken))
        lost = capture.until_said(Lost)
        gap_s = time.monotonic() - silent_s
        capture.until(lambda: sum(len(samples) for _, samples in capture.blocks) == 3_200)
        capture.until(lambda: capture.of(Alive)[-1].stalls == 1)
        os.close(fd)
    assert (lost.position, lost.reason) == (1_600, "clock")
    assert 1.0 < lost.samples / 16_000 < gap_s + 0.1
    after = [audio.position for audio, _ in capture.blocks if audio.position >= 1_600]
    assert after[0] == 1_600 + lost.samples


def test_standard_input_is_heard_and_its_end_is_final(standard_input: int) -> None:
    spoken = noise(20_000)
    with Capture(Pipe()) as capture:
        write_all(standard_input, s16le(spoken) + b"\x01")
        os.close(standard_input)
        ended = capture.until_said(Ended)
        capture.until_state("finished")
    assert (ended.reason, ended.final) == ("end of input", True)
    np.testing.assert_array_equal(capture.heard(), spoken)


def test_standard_input_without_a_sample_fails_with_an_example(standard_input: int) -> None:
    os.close(standard_input)
    with Capture(Pipe()) as capture:
        assert "arecord" in capture.until_said(Ended).reason
        capture.until_state("failed")


def test_a_writer_faster_than_time_is_slowed_down_and_loses_nothing(standard_input: int) -> None:
    spoken = noise(16_000 * 4)
    with Capture(Pipe()) as capture:
        write_all(standard_input, s16le(spoken[:20_000]))
        began_s = capture.until_said(Opened).monotonic_ns / 1e9
        write_all(standard_input, s16le(spoken[20_000:]))
        os.close(standard_input)
        capture.until_said(Ended)
        took_s = time.monotonic() - began_s
    np.testing.assert_array_equal(capture.heard(), spoken)
    assert took_s > 1.5  # two seconds may come at once


def test_channels_and_rate_are_converted(fifo: Path) -> None:
    left, right = noise(4_800, 1), noise(4_800, 2)
    both = np.stack([left, right], axis=1)
    with Capture(Pipe(path=str(fifo), channels=2, rate=48_000, format="f32le", channel=0)) as capture:
        fd = os.open(fifo, os.O_WRONLY)
        write_all(fd, both.astype("<f4").tobytes())
        os.close(fd)
        assert capture.until_said(Ended).position == 1_600
    assert capture.of(Opened)[0].native_channels == 2


def test_a_fifo_that_is_not_there_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "later.fifo"
    with Capture(Pipe(path=str(path))) as capture:
        ended = capture.until_said(Ended)
        assert not ended.final
        assert f"mkfifo {path}" in ended.reason
        os.mkfifo(path)
        capture.until_state("waiting")


def test_samples_keep_their_scale() -> None:
    assert decode(np.array([-32_768, 16_384], "<i2").tobytes(), Pipe()).tolist() == [[-1.0], [0.5]]
    assert decode(np.array([1 << 30], "<i4").tobytes(), Pipe(format="s32le")).tolist() == [[0.5]]
    assert decode(np.array([0.25, 1.0], "<f4").tobytes(), Pipe(format="f32le", channels=2)).tolist() == [
        [0.25, 1.0]
    ]
