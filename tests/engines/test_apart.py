"""An engine in a process of its own answers as here, and may be ended at any time."""

from __future__ import annotations

import os
import signal
import threading
from functools import partial

import numpy as np
import pytest

from earwitnessd.engines import EmbedError, Vectors, Windows
from earwitnessd.engines.apart import Apart
from earwitnessd.engines.degrading import FIRST_PAUSE_S, Degrading
from tests.voices import ANNA_HZ, ToneEmbedder, talking

WINDOWS = np.stack([talking(ANNA_HZ, 1.0), talking(2 * ANNA_HZ, 1.0)])


class Moody(ToneEmbedder):
    """What it does depends on how many windows there are."""

    def embed(self, windows: Windows) -> Vectors:
        if len(windows) == 3:
            raise EmbedError("no memory for a single window")
        if len(windows) == 4:
            raise RuntimeError("CUDA error: unspecified launch failure")
        if len(windows) == 5:
            threading.Event().wait()
        return super().embed(windows)


def refusing() -> ToneEmbedder:
    raise EmbedError("the GPU is full")


def batch(count: int) -> Windows:
    return np.zeros((count, 16_000), np.float32)


@pytest.fixture(scope="module")
def apart() -> Apart:
    return Apart(Moody)


def gone(pid: int | None) -> bool:
    assert pid is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_it_answers_as_an_engine_here(apart: Apart) -> None:
    here = Moody()
    assert (apart.model_id, apart.device) == (here.model_id, f"{here.device}, in a process of its own")
    assert apart.pid != os.getpid()
    apart.warm_up(16_000, 2)
    np.testing.assert_array_equal(apart.embed(WINDOWS), here.embed(WINDOWS))


def test_what_goes_wrong_there_is_said_here_and_it_goes_on(apart: Apart) -> None:
    with pytest.raises(EmbedError, match="no memory for a single window"):
        apart.embed(batch(3))
    with pytest.raises(RuntimeError, match="CUDA error"):
        apart.embed(batch(4))
    assert len(apart.embed(WINDOWS)) == 2


def test_an_engine_that_cannot_be_opened_there_says_why() -> None:
    with pytest.raises(EmbedError, match="the GPU is full"):
        Apart(refusing)


def test_one_that_hangs_is_ended() -> None:
    apart = Apart(Moody, answered_within_s=0.3)
    with pytest.raises(RuntimeError, match=r"did not answer within 0\.3 s"):
        apart.embed(batch(5))
    assert gone(apart.pid)
    with pytest.raises(RuntimeError, match="is gone"):
        apart.embed(WINDOWS)


def test_the_process_ends_with_the_engine() -> None:
    apart = Apart(Moody)
    pid = apart.pid
    del apart
    assert gone(pid)


def test_a_process_that_dies_loses_no_window_and_another_takes_its_place() -> None:
    now_s, pids = [0.0], list[int]()

    def opened() -> Apart:
        made = Apart(partial(Moody))
        assert made.pid is not None
        pids.append(made.pid)
        return made

    engine = Degrading(opened, ToneEmbedder(), clock=lambda: now_s[0], start=lambda attempt: attempt())
    expected = ToneEmbedder().embed(WINDOWS)
    np.testing.assert_array_equal(engine.embed(WINDOWS), expected)
    os.kill(pids[0], signal.SIGKILL)
    np.testing.assert_array_equal(engine.embed(WINDOWS), expected)
    assert "the engine's process" in engine.lost
    now_s[0] = FIRST_PAUSE_S
    engine.embed(WINDOWS)
    np.testing.assert_array_equal(engine.embed(WINDOWS), expected)
    assert engine.device.endswith("in a process of its own")
    assert len(set(pids)) == 2
