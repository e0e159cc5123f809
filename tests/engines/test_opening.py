"""What stands beside a GPU, with real models on a CPU."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from earwitnessd.engines.apart import Apart
from earwitnessd.engines.speech import speech_windows
from earwitnessd.engines.torch_wavlm import TorchWavLM
from earwitnessd.models import open_model
from tests.models.making import write_model


def test_a_model_gives_the_same_in_a_process_of_its_own(tmp_path: Path) -> None:
    opened = partial(TorchWavLM, open_model(str(write_model(tmp_path / "m"))), "cpu", 1)
    there, here = Apart(opened), opened()
    assert there.model_id == here.model_id
    windows = speech_windows(2, 16_000)
    np.testing.assert_allclose(there.embed(windows), here.embed(windows), atol=1e-6)
