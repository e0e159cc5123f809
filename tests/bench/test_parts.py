"""The small parts of a measurement: errors, loads, recordings, processes, the machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from earwitnessd.bench import agreement, models, processes, speech
from earwitnessd.bench.errors import BenchError
from earwitnessd.bench.machine import this_machine
from earwitnessd.bench.peer import Peer, dense_bf16_tflops, write_random
from earwitnessd.bench.pipeline import Levels, Load

from .reports import load


def test_an_error_is_relative_to_the_largest_of_its_row() -> None:
    theirs = np.array([[1.0, 0.5], [0.1, 0.2]], dtype=np.float32)
    ours = theirs + np.array([[0.0, 0.01], [0.0, 0.01]], dtype=np.float32)
    assert agreement.max_rel_error(ours, theirs) == pytest.approx(0.05, rel=1e-4)
    assert agreement.max_rel_error(theirs, theirs) == 0.0


def test_the_angle_between_embeddings_is_told_far_below_single_precision() -> None:
    theirs = np.array([[1.0, 0.0], [0.0, 2.0]])
    ours = np.array([[1.0, 1e-8], [0.0, 3.0]])
    assert agreement.one_minus_cos(ours, theirs) == pytest.approx(0.5e-16, rel=1e-3)


@pytest.mark.parametrize(("begin", "bears"), [(4, 11), (4, 4), (1, 1), (2, 63), (4, 3), (8, 1)])
def test_the_most_streams_that_work_are_found(begin: int, bears: int) -> None:
    asked: list[int] = []

    def measure(streams: int) -> Load:
        asked.append(streams)
        return load(streams, skipped=0 if streams <= bears else 5)

    levels = Levels(measure, 64)
    levels.search(begin)
    assert (levels.sustained, levels.too_many) == (bears, bears + 1)
    assert [row.streams for row in levels.rows] == sorted(asked)
    assert len(asked) <= 12


def test_a_machine_that_bears_everything_is_said_to() -> None:
    levels = Levels(load, 20)
    levels.search(4)
    assert [row.streams for row in levels.rows] == [4, 8, 16, 20]
    assert (levels.sustained, levels.too_many) == (20, 0)


def test_without_recordings_the_streams_hear_the_demo() -> None:
    assert [file.name for file in speech.recordings(None, pauses=True)] == ["conversation.ogg"]
    assert all(file.exists() for file in speech.recordings(None, pauses=False))


def test_recordings_are_a_file_or_all_sound_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.wav", "deep/a.flac", "notes.txt"):
        (tmp_path / name).touch()
    assert speech.recordings(tmp_path / "b.wav", pauses=False) == [tmp_path / "b.wav"]
    assert speech.recordings(tmp_path, pauses=False) == [tmp_path / "b.wav", tmp_path / "deep/a.flac"]
    with pytest.raises(BenchError, match="no such file"):
        speech.recordings(tmp_path / "c.wav", pauses=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BenchError, match="no sound files"):
        speech.recordings(tmp_path / "empty", pauses=False)


def test_a_model_of_no_known_shape_is_refused() -> None:
    with pytest.raises(BenchError, match="random-base, random-large"), models.prepared("random-huge"):
        pass


@pytest.mark.parametrize(
    ("gpu", "tflops"),
    [
        ("NVIDIA H200", 989.0),
        ("NVIDIA H20", 148.0),
        ("NVIDIA A100-SXM4-80GB", 312.0),
        ("NVIDIA GeForce RTX 4090", 165.0),
        ("NVIDIA L4", 121.0),
        ("something new", None),
        ("", None),
    ],
)
def test_a_devices_peak_is_known_by_its_name(gpu: str, tflops: float | None) -> None:
    assert dense_bf16_tflops(gpu) == tflops


def test_the_operations_of_a_model_are_counted(tmp_path: Path) -> None:
    write_random(tmp_path, {**models.SHAPES["random-base"], **models.HEAD, "num_hidden_layers": 1})
    peer = Peer(tmp_path, "cpu", 1)
    whole, half = (peer.gflop(np.zeros((1, samples), np.float32)) for samples in (32_000, 16_000))
    # seven convolutions are most of it, by far: 4.9 a second of audio
    assert whole == pytest.approx(2 * half, rel=0.05)
    assert 10.0 < whole < 15.0


def test_the_kernel_is_asked_about_processes() -> None:
    waits = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(waits, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert child.pid in processes.children(os.getpid())
        assert processes.resident_mb(os.getpid()) > 20.0
        began_s = time.process_time()
        assert began_s <= processes.processor_s(os.getpid()) <= time.process_time()
        assert processes.processor_s(child.pid) > 0.0
        child.kill()
    assert processes.resident_mb(child.pid) == 0.0
    assert processes.processor_s(child.pid) == 0.0
    assert processes.children(child.pid) == []


def test_the_machine_is_told_with_its_versions() -> None:
    machine = this_machine()
    assert machine.cores >= 1
    assert {"torch", "numpy", "pyzmq"} <= machine.packages.keys()
    assert machine.date.endswith("+00:00")
    assert machine.processor in str(machine)
