"""On a GPU that is not there or goes, nothing is measured that the CPU computed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from earwitnessd.bench.engine import where
from earwitnessd.bench.openings import Opened, without_lost
from earwitnessd.engines import EmbedError, Vectors, Windows
from earwitnessd.engines.degrading import Degrading
from tests.voices import ToneEmbedder


class FullGpu(ToneEmbedder):
    def embed(self, windows: Windows) -> Vectors:
        raise RuntimeError("CUDA out of memory")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_told_before_anything_is_measured() -> None:
    assert where("auto", []) == where("cpu", []) == ("cpu", "")
    with pytest.raises(EmbedError, match=r'device "cuda": torch .*CUDA'):
        where("cuda", [])


def test_an_engine_whose_gpu_was_lost_is_left_out_and_told() -> None:
    gone, there = Degrading(FullGpu, ToneEmbedder()), Degrading(ToneEmbedder, ToneEmbedder())
    gone.embed(np.ones((1, 16_000), np.float32))
    engines = [Opened("bfloat16", gone), Opened("float32", there), Opened("on the CPU", ToneEmbedder())]
    left, refused = without_lost(engines, 64)
    assert [each.name for each in left] == ["float32", "on the CPU"]
    assert [(each.engine, each.reason) for each in refused] == [("bfloat16, batch 64", "CUDA out of memory")]
