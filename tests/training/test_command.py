"""The train command from a recipe to a model that the daemon opens."""

from __future__ import annotations

from pathlib import Path

import typer
import yaml
from typer.testing import CliRunner

from earwitnessd.cli.train import train
from earwitnessd.models import open_model
from earwitnessd.training.settings import load_settings
from tests.training.recipes import TINY
from tests.training.voices import write_speakers

RECIPES = Path(__file__).parents[2] / "configs"
app = typer.Typer()
app.command()(train)


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in (*arguments, "--threads", 1)])
    return result.exit_code, result.stderr


def recipe(path: Path, **sections: object) -> Path:
    schedule = {"max_steps": 3, "speakers_a_step": 3, "dev_trials": 10}
    path.write_text(yaml.safe_dump({"schedule": schedule, "data": {"crop_s": [0.8, 1.0]}, **sections}))
    return path


def test_folders_of_speakers_become_a_model_that_opens(tmp_path: Path) -> None:
    data = write_speakers(tmp_path / "data", 3)
    trials = tmp_path / "trials.txt"
    trials.write_text("1 speaker0/0.wav speaker0/1.wav\n0 speaker0/0.wav speaker1/1.wav\n")
    code, errors = run(
        *("--config", recipe(tmp_path / "recipe.yaml", model={"config": TINY})),
        *("--data", data, "--output", tmp_path / "out", "--cache", tmp_path / "cache"),
        *("--dev-trials", trials, "--dev-root", data),
    )
    assert code == 0, errors
    assert "3 speakers, 6 clips" in errors
    assert "dev EER" in errors
    assert open_model(str(tmp_path / "out/model")).normalise


def test_own_voices_fine_tune_the_built_in_model(tmp_path: Path) -> None:
    settings = load_settings(RECIPES / "train-own-voices.yaml")
    assert settings.model.start == "builtin"
    model = {"start": "builtin", "train_only": settings.model.train_only}
    code, errors = run(
        *("--config", recipe(tmp_path / "recipe.yaml", model=model)),
        *("--data", write_speakers(tmp_path / "data", 3)),
        *("--output", tmp_path / "out", "--cache", tmp_path / "cache"),
    )
    assert code == 0, errors
    assert open_model(str(tmp_path / "out/model")).model_id != open_model("builtin").model_id


def test_a_wrong_recipe_ends_with_its_key(tmp_path: Path) -> None:
    code, errors = run("--config", recipe(tmp_path / "recipe.yaml", modle={}), "--data", tmp_path)
    assert code == 1
    assert "modle" in errors
    assert "Traceback" not in errors
