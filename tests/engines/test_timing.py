"""The faster of two ways of computing is told from the slower, and a slow one is not waited for long."""

from __future__ import annotations

import time

import numpy as np
import pytest

from earwitnessd.engines import Compute, Vectors, Windows, timing
from earwitnessd.engines.timing import gain

WINDOWS = np.zeros((1, 16_000), np.float32)


def taking(passed_s: float, calls: list[float]) -> Compute:
    def compute(windows: Windows) -> Vectors:
        calls.append(passed_s)
        time.sleep(passed_s)
        return windows[:, :2]

    return compute


def test_it_tells_how_many_times_as_fast() -> None:
    calls: list[float] = []
    slow, fast = taking(0.02, calls), taking(0.005, calls)
    assert 2.0 < gain(slow, fast, WINDOWS) < 6.0
    assert 0.15 < gain(fast, slow, WINDOWS) < 0.5


def test_both_are_measured_by_turns() -> None:
    calls: list[float] = []
    gain(taking(0.002, calls), taking(0.001, calls), WINDOWS)
    assert calls[:4] == [0.002, 0.001, 0.002, 0.001]
    assert calls.count(0.001) == calls.count(0.002)


def test_a_slow_one_gets_fewer_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_ENOUGH_S", 0.02)
    monkeypatch.setattr(timing, "_PAUSE_S", 0.0)
    calls: list[float] = []
    gain(taking(0.03, calls), taking(0.03, calls), WINDOWS)
    assert len(calls) == 2
