"""`earwitnessd plan` as people call it, with a real daemon for a moment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earwitnessd.cli import app


@pytest.mark.slow
def test_this_machine_is_measured_and_planned_with(tmp_path: Path) -> None:
    saved = tmp_path / "here.json"
    result = CliRunner().invoke(
        app, ["plan", "--streams", "100", "--seconds", "2", "--save", str(saved), "--json"]
    )
    assert result.exit_code == 0, result.output
    made = json.loads(result.stdout)
    assert made["figures"]["device"].startswith("cpu")
    assert all(figure["ms"] > 0.0 for figure in made["figures"]["batches"])
    assert made["figures"]["daemon_mb"] > 50.0
    assert made["figures"]["capture_mb"] > 10.0
    assert made["gpu_boxes"] is None

    again = CliRunner().invoke(
        app,
        ["plan", "--streams", "100", "--figures", str(saved), "--gpu", str(saved)],
        env={"COLUMNS": "140"},
    )
    assert again.exit_code == 0, again.output
    assert "100 streams" in again.output
    assert "GPU servers" in again.output


def test_figures_that_are_none_are_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "figures.json").write_text("{}", encoding="utf-8")
    result = CliRunner().invoke(app, ["plan", "--figures", str(tmp_path / "figures.json")])
    assert result.exit_code == 2
    assert len(result.output.strip().splitlines()) == 1
