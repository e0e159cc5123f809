from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from earwitnessd.capture.file import FileReplay as Replay
from earwitnessd.capture.messages import Alive, Ended, Lost, Opened, Samples
from earwitnessd.capture.supervisor import Patience
from earwitnessd.settings.sources import FileReplay
from tests.capture.harness import Capture

NS = 1_000_000_000


def sine(rate: int, duration_s: float, frequency_hz: float = 440.0) -> Samples:
    time_s = np.arange(round(rate * duration_s)) / rate
    return (0.5 * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32)


def record(path: Path, channels: list[Samples], rate: int, subtype: str | None = None) -> Path:
    soundfile.write(path, np.stack(channels, axis=1), rate, subtype=subtype)
    return path


def fast(path: Path, **more: object) -> FileReplay:
    return FileReplay(path=str(path), pace="fast", **more)  # type: ignore[arg-type]  # the tests know the fields


@pytest.mark.parametrize(
    ("name", "rate", "channels"),
    [
        ("a.wav", 8_000, 1),
        ("a.flac", 44_100, 2),
        ("a.ogg", 48_000, 2),
        ("a.mp3", 44_100, 1),
        ("a.aiff", 16_000, 3),
    ],
)
def test_every_format_rate_and_channel_count_becomes_the_same_tone(
    tmp_path: Path, name: str, rate: int, channels: int
) -> None:
    path = record(tmp_path / name, [sine(rate, 2.0)] * channels, rate)
    with Capture(fast(path)) as capture:
        ended = capture.until_said(Ended)
        capture.until_state("finished")
    opened = capture.of(Opened)[0]
    assert (opened.native_rate, opened.native_channels, opened.paced) == (rate, channels, False)
    assert opened.duration_s == pytest.approx(2.0, abs=0.06)
    heard = capture.heard()
    assert (ended.reason, ended.final, ended.position) == ("end of file", True, len(heard))
    assert len(heard) == pytest.approx(32_000, abs=1_000)
    middle = heard[8_000:24_000]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert int(np.argmax(spectrum)) == 440
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.03)


def test_a_channel_is_picked(tmp_path: Path) -> None:
    left, right = sine(16_000, 0.5, 300.0), sine(16_000, 0.5, 700.0)
    path = record(tmp_path / "two.wav", [left, right], 16_000, "FLOAT")
    with Capture(fast(path, channel=1)) as capture:
        capture.until_said(Ended)
    np.testing.assert_array_equal(capture.heard(), right)


def test_real_time_means_real_time(tmp_path: Path) -> None:
    path = record(tmp_path / "a.wav", [sine(16_000, 2.0)], 16_000)
    with Capture(FileReplay(path=str(path))) as capture:
        capture.until_said(Ended)
    first, last = capture.blocks[0][0], capture.blocks[-1][0]
    elapsed_s = (last.monotonic_ns - first.monotonic_ns) / 1e9
    assert elapsed_s == pytest.approx((last.position - first.position) / 16_000, abs=0.15)
    late_s = [
        (a.monotonic_ns - first.monotonic_ns) / 1e9 - (a.position - first.position) / 16_000
        for a, _ in capture.blocks
    ]
    assert min(late_s) > -0.05
    assert len(capture.heard()) == 32_000


def test_a_loop_goes_on_without_a_seam(tmp_path: Path) -> None:
    part = sine(16_000, 0.1, 400.0)  # 40 whole periods
    path = record(tmp_path / "a.wav", [part], 16_000, "FLOAT")
    with Capture(fast(path, loop=True)) as capture:
        heard = capture.until_heard(20 * len(part))
        assert capture.of(Opened)[0].duration_s is None
        assert capture.of(Ended) == []
    np.testing.assert_array_equal(heard[: 20 * len(part)], np.tile(part, 20))


def test_a_fast_replay_waits_for_a_slow_engine_and_loses_nothing(tmp_path: Path) -> None:
    ramp = (np.arange(16_000 * 240) % 30_000 / 30_000).astype(np.float32)
    path = record(tmp_path / "long.wav", [ramp], 16_000, "FLOAT")
    with Capture(fast(path), patience=Patience(hang_s=2.0)) as capture:
        capture.until_said(Opened)
        capture.taking = False
        stalled_s = time.monotonic() + 2.5  # longer than a hung process is given
        capture.until(lambda: time.monotonic() > stalled_s)
        assert capture.supervisor.status.state == "listening"
        capture.taking = True
        capture.until_said(Ended)
        capture.until_state("finished")
    np.testing.assert_array_equal(capture.heard(), ramp)
    assert capture.of(Lost) == []


def test_a_replay_in_real_time_that_is_far_behind_skips_like_a_full_ring(tmp_path: Path) -> None:
    ramp = (np.arange(16_000 * 30) / (16_000 * 30)).astype(np.float32)
    source = Replay(FileReplay(path=str(record(tmp_path / "a.wav", [ramp], 16_000, "FLOAT"))))
    source.open()
    began_ns = time.monotonic_ns()
    assert source.read(began_ns) is None
    late = source.read(began_ns + 5 * NS)
    assert late is not None
    assert (late.position, late.lost) == (0, None)
    skipped = source.read(began_ns + 20 * NS)
    assert skipped is not None
    assert skipped.lost == "overrun"
    assert skipped.position / 16_000 == pytest.approx(20.0, abs=0.1)
    assert skipped.frames[0, 0] == ramp[skipped.position]


def test_nan_never_passes(tmp_path: Path) -> None:
    noise = sine(16_000, 0.5)
    noise[100:110] = np.nan
    noise[200] = np.inf
    path = record(tmp_path / "nan.wav", [noise], 16_000, "FLOAT")
    with Capture(fast(path)) as capture:
        capture.until_said(Ended)
    assert capture.of(Alive)[-1].unusable_samples == 11
    heard = capture.heard()
    assert np.isfinite(heard).all()
    assert not heard[100:110].any()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"this is a letter, not audio" * 100, "not audio that can be read"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "not audio that can be read"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_not_audio_fails_for_good_and_says_why(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    with Capture(FileReplay(path=str(path))) as capture:
        ended = capture.until_said(Ended)
        capture.until_state("failed")
    assert ended.final
    assert str(path) in ended.reason
    assert reason in ended.reason
    assert capture.supervisor.status.reason == ended.reason
    assert capture.supervisor.status.restarts == 0
    assert capture.of(Opened) == []


def test_a_file_without_samples_fails(tmp_path: Path) -> None:
    path = tmp_path / "none.wav"
    soundfile.write(path, np.zeros((0, 1), np.float32), 16_000)
    with Capture(fast(path)) as capture:
        assert "without a single sample" in capture.until_said(Ended).reason


def test_a_channel_that_is_not_there_fails(tmp_path: Path) -> None:
    path = record(tmp_path / "two.wav", [sine(16_000, 0.1)] * 2, 16_000)
    with Capture(fast(path, channel=2)) as capture:
        assert "channel 2 is asked for, it has 2, counted from 0" in capture.until_said(Ended).reason
        capture.until_state("failed")


def test_a_truncated_file_ends_where_its_samples_end(tmp_path: Path) -> None:
    path = record(tmp_path / "cut.wav", [sine(16_000, 1.0)], 16_000)
    path.write_bytes(path.read_bytes()[:16_044])
    with Capture(fast(path)) as capture:
        assert capture.until_said(Ended).position == 8_000
