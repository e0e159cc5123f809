"""`earwitnessd model list`, `verify`, `show`, `rm` and what a failed import leaves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from earwitnessd.cli.model import app
from earwitnessd.models import ModelError, open_model
from earwitnessd.models.catalogue import CATALOGUE
from earwitnessd.models.installed import installed, removable
from earwitnessd.models.places import is_hub_name
from tests.families.recorded import recorded


class Shelf:
    """A machine's models."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.models = folder / "models"
        self.environ = {
            "EARWITNESS_MODELS": str(self.models),
            "XDG_CONFIG_HOME": str(folder),
            "XDG_DATA_HOME": str(folder),
            "HF_HOME": str(folder / "hf"),
        }

    def run(self, *words: str | Path) -> Result:
        return CliRunner().invoke(app, [*map(str, words)], env=self.environ)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """With one imported model."""
    shelf = Shelf(tmp_path_factory.mktemp("shelf"))
    file = recorded("ecapa-base").write(shelf.folder / "wavlm_base_plus_nofinetune.pth")
    result = shelf.run("import", file, "--name", "lab/mine")
    assert result.exit_code == 0, result.output
    return shelf


@pytest.fixture
def shelf(imported: Shelf, tmp_path: Path) -> Shelf:
    """A copy that a test may change."""
    copied = Shelf(tmp_path)
    shutil.copytree(imported.models, copied.models)
    return copied


def test_the_list_tells_what_is_here_and_what_can_be_had_with_its_source(imported: Shelf) -> None:
    listed = imported.run("list")
    assert listed.exit_code == 0
    here, _, offers = listed.output.partition("Can be had")
    assert "builtin" in here
    assert "lab/mine" in here
    assert open_model("lab/mine", imported.environ).model_id in here
    assert "published: EER 0.84 % Vox1-O" in here
    assert "calibrated: none: decided by cosine" in here
    assert "earwitnessd model pull microsoft/wavlm-base-plus-sv" in offers
    assert "EER 0.431 % Vox1-O, 0.538 % Vox1-E, 1.154 % Vox1-H (github.com/microsoft/UniSpeech" in offers
    assert "licence: CC-BY-SA-3.0" in offers


def test_the_list_is_json_for_programs(imported: Shelf) -> None:
    listed = json.loads(imported.run("list", "--json").output)
    mine = next(each for each in listed["installed"] if each["name"] == "lab/mine")
    assert mine["model_id"] == open_model("lab/mine", imported.environ).model_id
    assert mine["record"]["source_sha256"]
    assert {each["name"] for each in listed["offered"]} == {each.name for each in CATALOGUE}


def test_a_list_reads_no_weights_and_names_a_folder_that_is_no_model(shelf: Shelf) -> None:
    (shelf.models / "lab" / "mine" / "config.json").unlink()
    listed = shelf.run("list")
    assert "lab/mine: CANNOT BE USED" in listed.output
    assert "config.json missing" in listed.output


def test_what_is_offered_says_where_its_figures_are_from_and_how_it_is_had() -> None:
    for each in CATALOGUE:
        assert ("EER" in each.published) == bool(each.source), each.name
        assert is_hub_name(each.name) != bool(each.stems), each.name
        assert each.weights_mb > 100


def test_verify_finds_the_file_that_was_changed_and_only_that_model(shelf: Shelf) -> None:
    whole = shelf.run("verify")
    assert whole.exit_code == 0
    assert whole.output.count("as recorded") == 2
    weights = shelf.models / "lab" / "mine" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    changed = shelf.run("verify")
    assert changed.exit_code == 1
    assert "lab/mine: WRONG" in changed.output
    assert "builtin: as recorded" in changed.output
    assert shelf.run("verify", "builtin").exit_code == 0


def test_show_tells_what_was_published_and_assumed(imported: Shelf) -> None:
    shown = imported.run("show", "lab/mine")
    assert shown.exit_code == 0
    assert "made from  wavlm_base_plus_nofinetune.pth, SHA-256 " in shown.output
    assert "published  EER 0.84 % Vox1-O" in shown.output
    assert "assumed " in shown.output


def test_rm_asks_then_takes_the_model_and_its_makers_empty_folder_away(shelf: Shelf) -> None:
    kept = CliRunner().invoke(app, ["rm", "lab/mine"], env=shelf.environ, input="n\n")
    assert kept.exit_code == 1
    assert open_model("lab/mine", shelf.environ)
    gone = shelf.run("rm", "lab/mine", "--yes")
    assert gone.exit_code == 0, gone.output
    assert list(shelf.models.iterdir()) == []
    with pytest.raises(ModelError, match="not on this machine"):
        open_model("lab/mine", shelf.environ)


@pytest.mark.parametrize("key", ["model", "overlap.model"])
def test_a_model_that_the_settings_name_is_not_removed(shelf: Shelf, key: str) -> None:
    refused = shelf.run("rm", "lab/mine", "--yes", "--set", f"{key}=lab/mine")
    assert refused.exit_code == 1
    assert f"what the settings name in {key}" in refused.output
    assert open_model("lab/mine", shelf.environ)


@pytest.mark.parametrize("name", ["builtin", "nobody/knows", "../models", ".", ""])
def test_nothing_but_a_pulled_or_imported_model_can_be_removed(shelf: Shelf, name: str) -> None:
    with pytest.raises(ModelError, match=r"cannot be removed|neither pulled nor imported"):
        removable(name, shelf.environ)


def test_an_import_that_fails_its_trial_leaves_nothing_and_keeps_what_was_there(
    shelf: Shelf, tmp_path: Path
) -> None:
    before = open_model("lab/mine", shelf.environ)
    checkpoint = recorded("ecapa-base").checkpoint()
    checkpoint["model"]["linear.bias"] = torch.full_like(checkpoint["model"]["linear.bias"], torch.nan)
    torch.save(checkpoint, tmp_path / "broken.pth")
    for name in ("lab/mine", "other"):
        refused = shelf.run("import", tmp_path / "broken.pth", "--name", name)
        assert refused.exit_code == 1
        assert "embeddings that are not numbers" in refused.output
    assert open_model("lab/mine", shelf.environ) == before
    assert [each.name for each in installed(shelf.environ)] == ["builtin", "lab/mine"]
