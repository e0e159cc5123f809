"""Fetching models from a hub: a real server, real files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from earwitnessd.cli.model import app
from earwitnessd.engines import open_embedder
from earwitnessd.engines.checkpoint import convert, load
from earwitnessd.models import ModelError, open_model
from earwitnessd.models.pull import pull
from tests.families.recorded import recorded
from tests.models.hub import COMMIT, Hub, serving
from tests.models.making import write_model

NAME = "microsoft/wavlm-base-plus-sv"
CHUNK = 4096  # bytes; otherwise 10 MB, and these files are small
WITHOUT_SUM = {"use_weighted_layer_sum": False}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    files = write_model(tmp_path / "upstream", old_style=True, pickled=True)
    (files / "README.md").write_text("a card")
    (files / "tf_model.h5").write_bytes(b"not wanted")
    with serving(Hub(NAME, files)) as running:
        yield running


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def leftovers(models: Path) -> list[Path]:
    return [path for path in models.rglob("*") if path.is_file()]


def test_a_pulled_model_opens_by_its_hub_name_and_says_where_it_is_from(hub: Hub, models: Path) -> None:
    environ = hub.environ(models)
    pulled = pull(NAME, convert=convert, environ=environ)
    assert open_model(NAME, environ) == pulled
    assert pulled.directory == models / NAME
    assert (pulled.name, pulled.revision, pulled.threshold) == (NAME, COMMIT, 0.86)
    record = json.loads((pulled.directory / "earwitness.json").read_text())
    assert set(record["sha256"]) == {"model.safetensors", "config.json", "preprocessor_config.json"}
    assert sorted(path.name for path in models.rglob("*") if path.is_file()) == [
        "config.json",
        "earwitness.json",
        "model.safetensors",
        "preprocessor_config.json",
    ]


def test_only_what_is_needed_is_fetched_at_one_commit(hub: Hub, models: Path) -> None:
    pull(NAME, convert=convert, environ=hub.environ(models))
    fetched = {
        request.split()[1] for request in hub.requests if request.startswith("GET") and "/resolve/" in request
    }
    assert fetched == {
        f"/{NAME}/resolve/{COMMIT}/{file}"
        for file in ("config.json", "preprocessor_config.json", "pytorch_model.bin")
    }


def test_safetensors_are_preferred_to_a_pickle(hub: Hub, models: Path) -> None:
    write_model(hub.files)
    pulled = pull(NAME, convert=convert, environ=hub.environ(models))
    assert open_embedder(pulled, "cpu").model_id == pulled.model_id
    assert not any(request.endswith("pytorch_model.bin") for request in hub.requests)


def test_the_converted_checkpoint_has_todays_names_and_embeds_the_same(hub: Hub, models: Path) -> None:
    pulled = pull(NAME, convert=convert, environ=hub.environ(models))
    with safe_open(pulled.weights, framework="np") as file:
        names = set(file.keys())
    assert "wavlm.encoder.pos_conv_embed.conv.parametrizations.weight.original0" in names
    assert not any(name.endswith(("weight_g", "weight_v")) for name in names)
    window = np.random.default_rng(1).standard_normal((1, 16_000)).astype(np.float32)
    np.testing.assert_allclose(
        open_embedder(pulled, "cpu").embed(window),
        open_embedder(open_model(str(hub.files)), "cpu").embed(window),
        atol=1e-6,
    )


def test_the_licence_on_the_hub_is_recorded(hub: Hub, models: Path) -> None:
    hub.card["license"] = "mit"
    assert pull(NAME, convert=convert, environ=hub.environ(models)).licence == "mit"


def test_a_directory_of_choice_holds_the_model_itself_and_can_be_moved(
    hub: Hub, models: Path, tmp_path: Path
) -> None:
    pulled = pull(NAME, convert=convert, to=tmp_path / "stick" / "wavlm", environ=hub.environ(models))
    moved = (tmp_path / "stick" / "wavlm").rename(tmp_path / "elsewhere")
    assert open_model(str(moved)).model_id == pulled.model_id
    assert not models.exists()


def test_pulling_again_fetches_nothing_and_verifies(hub: Hub, models: Path) -> None:
    environ = hub.environ(models)
    first = pull(NAME, convert=convert, environ=environ)
    hub.requests.clear()
    assert pull(NAME, convert=convert, environ=environ) == first
    assert not any("/resolve/" in request for request in hub.requests)


def test_a_damaged_model_is_replaced_by_pulling_again(hub: Hub, models: Path) -> None:
    environ = hub.environ(models)
    first = pull(NAME, convert=convert, environ=environ)
    first.weights.write_bytes(b"damaged")
    assert pull(NAME, convert=convert, environ=environ) == first


def test_a_directory_that_is_no_pulled_model_is_never_replaced(
    hub: Hub, models: Path, tmp_path: Path
) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "only copy.tex").write_text("years of work")
    with pytest.raises(ModelError, match="is not a pulled model"):
        pull(NAME, convert=convert, to=tmp_path / "thesis", environ=hub.environ(models))
    assert (tmp_path / "thesis" / "only copy.tex").exists()


def test_another_model_is_never_replaced(hub: Hub, models: Path, tmp_path: Path) -> None:
    other = pull(NAME, convert=convert, to=tmp_path / "model", environ=hub.environ(models))
    with pytest.raises(ModelError, match=rf"holds another model \({NAME}\)"):
        pull("org/name", convert=convert, to=tmp_path / "model", environ=hub.environ(models))
    assert open_model(str(tmp_path / "model")) == other


def test_a_failing_conversion_leaves_nothing_and_was_never_visible(hub: Hub, models: Path) -> None:
    def failing(source: Path, target: Path) -> None:
        assert (source / "pytorch_model.bin").is_file()
        target.write_bytes(b"half")
        assert not (models / NAME).exists()
        raise ModelError("no")

    with pytest.raises(ModelError, match="no"):
        pull(NAME, convert=failing, environ=hub.environ(models))
    assert leftovers(models) == []


def test_a_download_that_breaks_off_is_no_model_and_the_next_pull_goes_on_where_it_stopped(
    hub: Hub, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", CHUNK)
    hub.breaks_once = "pytorch_model.bin"
    with pytest.raises(ModelError, match=rf"could not fetch {NAME}(.|\n)*Pull again to go on"):
        pull(NAME, convert=convert, environ=hub.environ(models))
    with pytest.raises(ModelError, match="not on this machine"):
        open_model(NAME, hub.environ(models))
    listed = CliRunner().invoke(app, ["list"], env=hub.environ(models))
    assert f"{NAME}: not wholly fetched" in listed.output
    hub.breaks_once = None
    hub.ranges.clear()
    told = list[tuple[str, float, float | None]]()
    pulled = pull(
        NAME, convert=convert, environ=hub.environ(models), report=lambda *progress: told.append(progress)
    )
    half = (hub.files / "pytorch_model.bin").stat().st_size // 2
    assert hub.ranges == [f"bytes={half // CHUNK * CHUNK}-"]
    size = (hub.files / "pytorch_model.bin").stat().st_size
    of_weights = [here for file, here, of in told if (file, of) == ("pytorch_model.bin", size)]
    assert (of_weights[0], of_weights[-1]) == (half // CHUNK * CHUNK, size)
    assert pulled.model_id == open_model(NAME, hub.environ(models)).model_id
    assert {path.parent for path in leftovers(models)} == {pulled.directory}, "the download is gone"


def test_a_file_that_is_not_what_the_hub_says_it_has_is_refused(hub: Hub, models: Path) -> None:
    hub.etag = 64 * "0"
    with pytest.raises(ModelError, match=rf"could not fetch {NAME}.* the hub says 0000"):
        pull(NAME, convert=convert, environ=hub.environ(models))
    assert leftovers(models) == []


def test_offline_takes_what_lies_in_the_hubs_cache_and_asks_nobody(hub: Hub, models: Path) -> None:
    environ = {**hub.environ(models), "HF_HUB_OFFLINE": "1"}
    with pytest.raises(ModelError, match=rf"offline: model \"{NAME}\" is not on this machine"):
        pull(NAME, convert=convert, environ=environ)
    repository = Path(environ["HF_HOME"], "hub", f"models--{NAME.replace('/', '--')}")
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    shutil.copytree(hub.files, repository / "snapshots" / COMMIT)
    pulled = pull(NAME, convert=convert, environ=environ)
    assert (pulled.directory, pulled.revision) == (models / NAME, COMMIT)
    assert pull(NAME, convert=convert, environ=environ, offline=True) == pulled
    assert hub.requests == []


@pytest.mark.slow
def test_a_checkpoint_in_another_layout_is_named_and_pulled_by_its_file(tmp_path: Path, models: Path) -> None:
    files = tmp_path / "upstream"
    recorded("rawnet").write(files / "model.pth")
    with serving(Hub("lab/raw", files, card={"license": "mit"})) as running:
        environ = {**running.environ(models), "XDG_CONFIG_HOME": str(tmp_path)}
        plain = CliRunner().invoke(app, ["pull", "lab/raw"], env=environ)
        assert plain.exit_code == 1
        assert "earwitnessd model pull lab/raw --file model.pth" in plain.output
        missing = CliRunner().invoke(app, ["pull", "lab/raw", "--file", "no.pth"], env=environ)
        assert "has no file no.pth" in missing.output
        pulled = CliRunner().invoke(app, ["pull", "lab/raw", "--file", "model.pth"], env=environ)
    assert pulled.exit_code == 0, pulled.output
    assert "recognised WavLM joined with RawNet" in pulled.output
    model = open_model("lab/raw", environ)
    assert (model.revision, model.licence) == (COMMIT, "mit")
    assert {path.parent for path in leftovers(models)} == {model.directory}


def test_a_checkpoint_with_a_weight_too_few_is_not_kept(hub: Hub, models: Path) -> None:
    config = json.loads((hub.files / "config.json").read_text())
    (hub.files / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(ModelError, match=r"missing: .*encoder\.layers\.2\."):
        pull(NAME, convert=convert, environ=hub.environ(models))
    assert leftovers(models) == []


def test_a_repository_without_weights_says_what_it_lacks(hub: Hub, models: Path) -> None:
    (hub.files / "pytorch_model.bin").unlink()
    with pytest.raises(ModelError, match=r"lacks model\.safetensors or pytorch_model\.bin"):
        pull(NAME, convert=convert, environ=hub.environ(models))


def test_an_unknown_revision_and_an_unknown_model_are_told_apart(hub: Hub, models: Path) -> None:
    with pytest.raises(ModelError, match="no such revision"):
        pull(NAME, convert=convert, revision="v9", environ=hub.environ(models))
    with pytest.raises(ModelError, match="has no model org/other"):
        pull("org/other", convert=convert, environ=hub.environ(models))


def test_a_place_that_cannot_be_written_is_named(hub: Hub, models: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match=rf"cannot write {NAME} to .*/file/model: .*--to DIR"):
        pull(NAME, convert=convert, to=tmp_path / "file" / "model", environ=hub.environ(models))


def test_a_name_that_no_hub_allows_is_refused(hub: Hub, models: Path) -> None:
    for name in ("org/a..b", "org/a--b", "no slash"):
        with pytest.raises(ModelError, match=name):
            pull(name, convert=convert, environ=hub.environ(models))


def test_opening_a_model_never_asks_the_hub(hub: Hub, models: Path) -> None:
    with pytest.raises(ModelError):
        open_model(NAME, hub.environ(models))
    assert hub.requests == []


def test_without_a_hub_the_command_says_what_to_run_where(models: Path) -> None:
    nobody = {"HF_ENDPOINT": "http://127.0.0.1:9", "EARWITNESS_MODELS": str(models)}
    result = CliRunner().invoke(app, ["pull", NAME], env=nobody)
    assert result.exit_code == 1
    assert f"could not fetch {NAME} from http://127.0.0.1:9" in result.output
    assert f"earwitnessd model pull {NAME} --to wavlm-base-plus-sv" in result.output
    assert f"copy the folder wavlm-base-plus-sv here as {models}/{NAME}" in result.output
    assert not models.exists()


def test_the_commands_pull_and_show_describe_the_model(hub: Hub, models: Path) -> None:
    runner = CliRunner()
    pulled = runner.invoke(app, ["pull", NAME], env=hub.environ(models))
    shown = runner.invoke(app, ["show", NAME], env=hub.environ(models))
    assert (pulled.exit_code, shown.exit_code) == (0, 0)
    assert f"model id   {NAME}@" in shown.output
    assert "threshold  0.86 cosine" in shown.output
    assert COMMIT in shown.output
    assert shown.output in pulled.output


def test_the_command_show_fails_with_one_clear_message(models: Path) -> None:
    result = CliRunner().invoke(app, ["show", "org/absent"], env={"EARWITNESS_MODELS": str(models)})
    assert result.exit_code == 1
    assert result.output.startswith('earwitnessd: model "org/absent" is not on this machine')


@pytest.mark.parametrize("family", ["WavLMModel", "WavLMForAudioFrameClassification"])
def test_other_families_of_transformers_are_pulled_too(tmp_path: Path, models: Path, family: str) -> None:
    files = write_model(tmp_path / "upstream")
    config = json.loads((files / "config.json").read_text())
    (files / "config.json").write_text(json.dumps({**config, "architectures": [family], **WITHOUT_SUM}))
    tensors = load_file(files / "model.safetensors")
    backbone = {name: each for name, each in tensors.items() if name.startswith("wavlm.")}
    if family == "WavLMModel":
        backbone = {name.removeprefix("wavlm."): each for name, each in backbone.items()}
    else:
        backbone |= {
            "classifier.weight": np.zeros((2, 32), np.float32),
            "classifier.bias": np.ones(2, np.float32),
        }
    save_file(backbone, files / "model.safetensors")
    with serving(Hub(NAME, files)) as hub:
        pulled = pull(NAME, convert=convert, environ=hub.environ(models))
        assert pulled.family == family
        assert load(pulled.directory).vector_size == (32 if family == "WavLMModel" else 2)
