"""A GPU is lost and comes back under a running engine: told as events and pulses, no window lost."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from earwitness.events import EngineDegraded, EngineRestored, SpeakerVerified, WindowScored
from earwitnessd.engines import Vectors, Windows
from earwitnessd.engines.degrading import FIRST_PAUSE_S, Degrading
from earwitnessd.handover import Ready

from ..voices import ANNA_HZ, ToneEmbedder, talking
from .engine import Engine


class FailingGpu(ToneEmbedder):
    """Fails at one batch."""

    device = "a GPU"

    def __init__(self, failure: Exception, at_batch: int) -> None:
        super().__init__()
        self._failure: Exception | None = failure
        self._left = at_batch

    def embed(self, windows: Windows) -> Vectors:
        if self._left == 0 and self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        self._left -= 1
        return super().embed(windows)

    def warm_up(self, window_samples: int, batch: int) -> None:
        """Nothing to do."""


@pytest.mark.parametrize(
    "failure",
    [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("CUDA error: unspecified launch failure")],
)
@pytest.mark.parametrize("at_batch", [0, 1])
def test_a_lost_gpu_is_told_and_costs_no_window(failure: Exception, at_batch: int) -> None:
    now_s, gpu, cpu = [0.0], FailingGpu(failure, at_batch), ToneEmbedder()
    opened = threading.Event()

    def start(attempt: object) -> None:
        assert callable(attempt)
        attempt()
        opened.set()

    embedder = Degrading(lambda: gpu, cpu, clock=lambda: now_s[0], start=start)
    with Engine(embedder, enrolled={"anna": ANNA_HZ}) as engine:
        assert engine.until_word(Ready).device == "a GPU"
        mouth = engine.open()
        engine.say(mouth, talking(ANNA_HZ, 5.0))
        engine.until_said(WindowScored, 2)
        engine.say(mouth, talking(ANNA_HZ, 3.0))
        lost = engine.until_said(EngineDegraded)
        assert lost.reason == str(failure)
        assert lost.device == "a test, in place of a GPU"
        pulse = engine.until_pulse(lambda pulse: pulse.degraded == str(failure))
        assert pulse.device == "a test, in place of a GPU"
        assert not opened.is_set()
        now_s[0] = FIRST_PAUSE_S
        back = engine.until_said(EngineRestored)
        assert (back.device, back.away_s) == ("a GPU", FIRST_PAUSE_S)
        engine.say(mouth, talking(ANNA_HZ, 3.0))
        engine.until_pulse(lambda pulse: pulse.device == "a GPU" and not pulse.degraded)
        scored = engine.until(lambda: engine.of(WindowScored)[16:])
        assert scored
        engine.until_said(SpeakerVerified)
        starts = [event.start for event in engine.of(WindowScored)]
        assert np.diff(starts).tolist() == [8000] * (len(starts) - 1)
        assert all(event.scores for event in engine.of(WindowScored))
    assert cpu.batches
