"""Each report is drawn, whatever it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from PIL import Image

from earwitnessd.bench import plots

from .reports import engines, memories, pipelines


def height(file: Path) -> int:
    """Of a page that is as wide as all are."""
    with Image.open(file) as image:
        assert image.format == "PNG"
        assert image.width == 1350
        return image.height


@pytest.mark.parametrize("gpu", [False, True])
def test_engines_are_drawn(tmp_path: Path, gpu: bool) -> None:
    plots.engine(engines(gpu=gpu), tmp_path / "engine.png")
    assert height(tmp_path / "engine.png") > 600


@pytest.mark.parametrize("enough", [False, True])
def test_a_pipeline_is_drawn(tmp_path: Path, enough: bool) -> None:
    plots.pipeline(pipelines(enough=enough), tmp_path / "pipeline.png")
    assert height(tmp_path / "pipeline.png") == 840


def test_memory_is_drawn(tmp_path: Path) -> None:
    plots.memory(memories(), tmp_path / "memory.png")
    assert height(tmp_path / "memory.png") == 900
