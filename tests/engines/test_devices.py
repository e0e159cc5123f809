"""A device that is not there is told with what is there and what to do; auto takes what there is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from earwitnessd.engines import EmbedError, open_embedder
from earwitnessd.engines.degrading import Degradable
from earwitnessd.engines.devices import cuda_found, pick_device
from earwitnessd.models import open_model
from tests.models.making import write_model


def no_gpu() -> bool:
    return not torch.cuda.is_available() and not torch.backends.mps.is_available()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("wanted", ["cuda", "cuda:0", "cuda:1"])
def test_cuda_without_a_gpu_says_what_was_found_and_what_to_do(wanted: str) -> None:
    with pytest.raises(EmbedError, match=f'device "{wanted}": torch .* CUDA.*; or use auto or cpu'):
        pick_device(wanted)


def test_what_there_is_of_cuda() -> None:
    assert "built without CUDA: install a build" in cuda_found("2.13", None, [])
    seen = cuda_found("2.13", "13.0", [])
    assert "built for CUDA 13.0 and sees no GPU" in seen
    assert "nvidia-smi" in seen
    assert cuda_found("2.13", "13.0", ["L4", "H200"]).endswith("there are: cuda:0 (L4), cuda:1 (H200)")


@pytest.mark.skipif(not no_gpu(), reason="there is a GPU")
def test_auto_without_a_gpu_is_the_cpu_which_nothing_replaces(tmp_path: Path) -> None:
    assert pick_device("auto") == torch.device("cpu")
    engine = open_embedder(open_model(str(write_model(tmp_path / "m"))), "auto", threads=1)
    assert engine.device.startswith("cpu (1 thread), float32")
    assert not isinstance(engine, Degradable)
