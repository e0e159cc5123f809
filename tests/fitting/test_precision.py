"""Embeddings of another precision are another model's: calibrated, and judged, under their own id."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from earwitnessd.cli import app
from earwitnessd.engines.devices import lacks_bfloat16
from earwitnessd.models import open_model

from ..engines.test_precision import model
from .voices import record, write_trials

SPEAKERS = range(12)
LACKING = lacks_bfloat16(torch.device("cpu"))
FAST = ("--set", "engine.precision=fast", "--set", "engine.device=cpu", "--set", "speech_gate.type=energy")

pytestmark = pytest.mark.skipif(LACKING is not None, reason=str(LACKING))


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in (*arguments, *FAST)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_bfloat16_engine_is_calibrated_and_judged_by_its_own_calibration(tmp_path: Path) -> None:
    directory, trials, own = model(tmp_path / "m", commonness=0.6), tmp_path / "trials.txt", tmp_path / "own"
    record(tmp_path / "mine", SPEAKERS)
    record(tmp_path / "others", range(24), takes=1)
    write_trials(trials, SPEAKERS)
    what = (trials, "--root", tmp_path / "mine", "--model", directory)
    run("calibrate", *what, "--cohort", tmp_path / "others", "--output", own)
    id_of_bfloat16 = f"{open_model(str(directory)).model_id}+bf16"
    assert json.loads((own / "calibration.json").read_text())["model_id"] == id_of_bfloat16
    report = json.loads(run("evaluate", *what, "--json", "--set", f"decision.calibration={own}"))
    assert report["model"] == id_of_bfloat16
    assert report["cllr"] is not None
