"""The evaluate command with the model that ships."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile
import typer
from typer.testing import CliRunner

from earwitnessd.cli.evaluate import evaluate
from tests.training.voices import RATE, utterance

DEV = Path(__file__).parents[3] / "shared/data/dev"
# An untrained network is at 0.5; the sample is small, so the bound is loose.
LARGEST_EER = 0.3

app = typer.Typer()
app.command()(evaluate)


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two corpora of synthesised voices; all trials of the second are targets."""
    root = tmp_path_factory.mktemp("corpora")
    for speaker in range(2):
        for number in range(2):
            path = root / f"buzz{speaker}/{number}.wav"
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, utterance(speaker, number, 1.0), RATE)
    lines = ["1 buzz0/0.wav buzz0/1.wav", "0 buzz0/0.wav buzz1/1.wav", "1 buzz1/0.wav buzz1/1.wav"]
    (root / "trials.txt").write_text("\n".join(lines))
    return root / "trials.txt"


def test_json_holds_every_documented_key(trials: Path) -> None:
    code, output, _ = run(trials, "--root", trials.parent, "--json", "--threads", 1)
    assert code == 0
    report = json.loads(output)
    assert set(report) == {"model", "trials", "eer", "min_dcf", "corpora", "seconds", "rtf"}
    assert report["model"].startswith("earwitness-builtin")
    assert report["trials"] == 3
    assert set(report["min_dcf"]) == {"0.01", "0.05"}
    assert report["corpora"]["buzz0"]["trials"] == 2
    assert report["corpora"]["buzz1"] == {"trials": 1, "eer": None, "min_dcf": None}  # no non-target there
    assert report["rtf"] > 0


def test_a_table_names_the_model_and_each_corpus(trials: Path) -> None:
    code, output, _ = run(trials, "--root", trials.parent, "--threads", 1)
    assert code == 0
    for expected in ("earwitness-builtin", "pooled", "buzz0", "buzz1", "minDCF(0.01)"):
        assert expected in output


def test_a_missing_file_ends_with_its_line(trials: Path, tmp_path: Path) -> None:
    code, _, errors = run(trials, "--root", tmp_path)
    assert code == 1
    assert "trials.txt:1:" in errors
    assert "Traceback" not in errors


def test_a_model_that_does_not_exist_is_named(trials: Path) -> None:
    code, _, errors = run(trials, "--root", trials.parent, "--model", "no-such-model")
    assert code == 1
    assert "no-such-model" in errors


@pytest.mark.skipif(not DEV.is_dir(), reason=f"real speech is not on this machine ({DEV})")
def test_the_built_in_model_tells_real_voices_apart(tmp_path: Path) -> None:
    lines = (DEV / "trials_short.txt").read_text().splitlines()[1:]
    (tmp_path / "some.txt").write_text("\n".join(lines[:: len(lines) // 120]))
    code, output, _ = run(tmp_path / "some.txt", "--root", DEV, "--json")
    assert code == 0
    assert json.loads(output)["eer"] < LARGEST_EER
