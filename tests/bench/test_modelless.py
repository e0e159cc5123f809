"""A daemon without its model still decides by the model's calibration, so what is left costs as much."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from earwitnessd.assemble import open_parts
from earwitnessd.bench.modelless import open_modelless
from earwitnessd.settings.root import Settings


def test_its_answers_have_the_models_shape(tmp_path: Path) -> None:
    windows = np.zeros((2, 16000), np.float32)
    whole = open_parts(Settings(profiles=str(tmp_path / "one.db")))
    bare = open_modelless(Settings(profiles=str(tmp_path / "other.db")))
    assert bare.embedder.model_id == whole.embedder.model_id
    assert bare.embedder.embed(windows).shape == whole.embedder.embed(windows).shape
