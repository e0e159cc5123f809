"""`earwitnessd model import` and `earwitnessd embed`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from typer.testing import CliRunner, Result

from earwitnessd.cli import app
from earwitnessd.engines.exactness import difference
from earwitnessd.models import open_model
from tests.families.recorded import audio, recorded
from tests.families.test_references import transformers_frames

RATE = 16_000


class Machine:
    """Models in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"EARWITNESS_MODELS": str(folder / "models"), "XDG_CONFIG_HOME": str(folder)}

    def run(self, *words: str | Path) -> Result:
        return CliRunner().invoke(app, [*map(str, words)], env=self.environ)

    def embed(self, *words: str | Path) -> np.ndarray:
        output = self.folder / "out.npy"
        result = self.run("embed", *words, "-o", output)
        assert result.exit_code == 0, result.output
        loaded: np.ndarray = np.load(output)
        return loaded


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """With a model that was imported, and the recordings that its reference heard."""
    made = Machine(tmp_path_factory.mktemp("machine"))
    for number, wave in enumerate(audio()):
        soundfile.write(made.folder / f"{number}.wav", wave, RATE, subtype="FLOAT")
    result = made.run(
        "model", "import", recorded("ecapa-large").write(made.folder / "wavlm_large_finetune.pth")
    )
    assert result.exit_code == 0, result.output
    return made


def recordings(machine: Machine) -> list[Path]:
    return [machine.folder / f"{number}.wav" for number in range(len(audio()))]


def test_an_import_names_the_family_what_was_assumed_and_what_it_can_carry(machine: Machine) -> None:
    result = machine.run(
        "model", "import", machine.folder / "wavlm_large_finetune.pth", "--name", "lab/again"
    )
    assert result.exit_code == 0
    assert "recognised WavLM with an ECAPA-TDNN head" in result.output
    assert "assumed    max_bucket_distance = 800" in result.output
    assert "published  EER 0.431 % Vox1-O" in result.output
    assert "for a file of this name" in result.output
    assert "finite and deterministic on cpu" in result.output
    assert "streams at a hop of 0.5 s" in result.output
    assert open_model("lab/again", machine.environ).name == "lab/again"


def test_an_imported_model_lies_whole_with_its_card_and_opens_by_its_name(machine: Machine) -> None:
    model = open_model("wavlm_large_finetune", machine.environ)
    assert sorted(path.name for path in model.directory.iterdir()) == [
        "README.md",
        "config.json",
        "earwitness.json",
        "model.safetensors",
        "preprocessor_config.json",
    ]
    record = json.loads((model.directory / "earwitness.json").read_text())
    card = (model.directory / "README.md").read_text()
    assert record["source"] == "wavlm_large_finetune.pth"
    assert record["source_sha256"] in card
    assert "0.431 %" in card
    assert not list(model.directory.parent.glob(".importing-*"))


def test_whole_recordings_embed_as_the_reference_does(machine: Machine) -> None:
    expected = recorded("ecapa-large").expected
    raw = machine.embed(*recordings(machine), "--model", "wavlm_large_finetune", "--whole", "--raw")
    assert difference(raw, expected).relative < 1e-5
    unit = machine.embed(*recordings(machine), "--model", "wavlm_large_finetune", "--whole")
    assert difference(unit, expected / np.linalg.norm(expected, axis=1, keepdims=True)).relative < 1e-5
    assert unit.dtype == np.float32


def test_without_whole_a_row_is_the_mean_of_windows(machine: Machine) -> None:
    long = np.tile(audio()[0], 3)[: 4 * RATE]
    soundfile.write(machine.folder / "long.wav", long, RATE, subtype="FLOAT")
    windows = [long[start : start + 3 * RATE] for start in (0, RATE // 2, RATE)]
    for number, window in enumerate(windows):
        soundfile.write(machine.folder / f"w{number}.wav", window, RATE, subtype="FLOAT")
    files = [machine.folder / f"w{number}.wav" for number in range(3)]
    model = ("--model", "wavlm_large_finetune")
    mean = machine.embed(*files, *model, "--whole").mean(axis=0)
    found = machine.embed(machine.folder / "long.wav", *model)
    np.testing.assert_allclose(found[0], mean / np.linalg.norm(mean), atol=1e-6)


def test_frames_of_one_recording_are_a_row_each(machine: Machine) -> None:
    frames = machine.embed(recordings(machine)[0], "--model", "wavlm_large_finetune", "--frames")
    assert frames.shape == (74, 32)
    refused = machine.run("embed", *recordings(machine), "--frames", "-o", machine.folder / "x.npy")
    assert refused.exit_code == 2
    assert "--frames takes one FILE" in refused.output


def test_a_model_of_frames_is_imported_and_gives_no_embedding(machine: Machine) -> None:
    transformers_frames(machine.folder / "sd", weighted=False)
    imported = machine.run("model", "import", machine.folder / "sd")
    assert imported.exit_code == 0, imported.output
    assert "recognised frame-wise speaker activity" in imported.output
    first = recordings(machine)[0]
    refused = machine.run("embed", first, "--model", "sd", "-o", machine.folder / "x.npy")
    assert refused.exit_code == 1
    assert "gives no embedding" in refused.output
    assert machine.embed(first, "--model", "sd", "--frames").shape[1] == 2


def test_a_bare_wavlm_is_imported_with_a_warning(machine: Machine) -> None:
    imported = machine.run(
        "model", "import", recorded("microsoft-base").write(machine.folder / "WavLM-Base.pt")
    )
    assert imported.exit_code == 0
    assert "beware     a WavLM without a head was never trained to tell voices apart" in imported.output


@pytest.mark.parametrize("words", [("--assume", "nothing"), ("--name", "../up"), ("--name", "builtin")])
def test_options_that_mean_nothing_are_refused(machine: Machine, words: tuple[str, str]) -> None:
    result = machine.run("model", "import", machine.folder / "wavlm_large_finetune.pth", *words)
    assert result.exit_code == 1
    assert f"{words[0]}" in result.output


def test_a_refused_checkpoint_leaves_nothing(machine: Machine) -> None:
    (machine.folder / "letter.pth").write_text("Dear reader")
    result = machine.run("model", "import", machine.folder / "letter.pth")
    assert result.exit_code == 1
    assert result.output.startswith("earwitnessd: ")
    assert "a text file" in result.output
    models = machine.folder / "models"
    assert not (models / "letter").exists()
    assert not list(models.glob(".importing-*"))


def test_a_folder_that_is_no_model_is_never_replaced(machine: Machine) -> None:
    thesis = machine.folder / "models" / "thesis"
    thesis.mkdir(parents=True)
    (thesis / "only copy.tex").write_text("years of work")
    file = machine.folder / "wavlm_large_finetune.pth"
    result = machine.run("model", "import", file, "--name", "thesis")
    assert result.exit_code == 1
    assert (thesis / "only copy.tex").exists()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [("none.wav", None, "no such file"), ("text.wav", b"not sound", "expected wav, flac, ogg or mp3")],
)
def test_what_is_no_recording_is_named(machine: Machine, name: str, content: bytes | None, says: str) -> None:
    if content is not None:
        (machine.folder / name).write_bytes(content)
    output = machine.folder / "none.npy"
    result = machine.run("embed", machine.folder / name, "--model", "wavlm_large_finetune", "-o", output)
    assert result.exit_code == 1
    assert name in result.output
    assert says in result.output
    assert not output.exists()


def test_a_recording_too_short_for_the_model_is_named(machine: Machine) -> None:
    soundfile.write(machine.folder / "short.wav", audio()[0][:500], RATE)
    short, output = machine.folder / "short.wav", machine.folder / "none.npy"
    result = machine.run("embed", short, "--whole", "--model", "wavlm_large_finetune", "-o", output)
    assert result.exit_code == 1
    assert "short.wav: cannot be embedded: 500 samples leave 1 frames: two are needed" in result.output


@pytest.fixture(autouse=True)
def as_many_threads_as_before() -> None:
    torch.set_num_threads(1)
