"""`earwitnessd calibrate` from the command line."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from earwitnessd.cli import app
from earwitnessd.demo.conversation import FOLDER

from ..models import making


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["calibrate", *arguments])
    assert done.exit_code == 1, done.output
    return " ".join(done.output.split())


def test_a_model_without_a_cohort_asks_for_one(tmp_path: Path) -> None:
    making.write_model(tmp_path / "tiny")
    said = refused("trials.txt", "--root", str(tmp_path), "--model", str(tmp_path / "tiny"))
    assert "the model tiny has no cohort: give --cohort FOLDER" in said


def test_a_folder_that_is_no_cohort_is_named(tmp_path: Path) -> None:
    making.write_model(tmp_path / "tiny")
    arguments = ("trials.txt", "--root", str(FOLDER), "--model", str(tmp_path / "tiny"))
    assert "recordings of 0 speakers" in refused(*arguments, "--cohort", str(tmp_path / "none"))
