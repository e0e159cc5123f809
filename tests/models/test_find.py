"""From a name to a verified model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from earwitnessd.models import ModelError, open_model
from earwitnessd.models.places import BUILTIN_DIRECTORY, is_hub_name, models_directory
from earwitnessd.models.record import Record, sha256_of, write_record
from tests.models.making import write_model, write_settings

NAME = "microsoft/wavlm-base-plus-sv"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"EARWITNESS_MODELS": str(tmp_path / "models"), "HF_HUB_CACHE": str(tmp_path / "cache")}


def cached(cache: Path, commit: str = "abc") -> Path:
    repository = cache / "models--microsoft--wavlm-base-plus-sv"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    return write_model(repository / "snapshots" / commit, pickled=True, old_style=True)


def test_a_directory_made_by_hand_is_accepted_and_known_by_its_hash(tmp_path: Path) -> None:
    model = open_model(str(write_model(tmp_path / "mine")))
    assert model.name == "mine"
    assert model.model_id.startswith("mine@")
    assert len(model.model_id) == len("mine@") + 12
    assert model.threshold is None
    assert model.licence.startswith("unknown")


def test_equal_files_give_one_id_wherever_they_lie(tmp_path: Path) -> None:
    here, there = write_model(tmp_path / "a" / "same"), write_model(tmp_path / "b" / "same")
    assert open_model(str(here)) == replace(
        open_model(str(there)), directory=here, weights=here / "model.safetensors"
    )


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "preprocessor_config.json"])
def test_every_file_that_changes_embeddings_changes_the_id(tmp_path: Path, file: str) -> None:
    directory = write_model(tmp_path / "mine")
    before = open_model(str(directory)).model_id
    content = (directory / file).read_bytes()
    (directory / file).write_bytes(content + b" ")
    assert open_model(str(directory)).model_id != before


def test_a_recorded_hash_must_match_and_the_message_names_the_file(tmp_path: Path) -> None:
    directory = write_model(tmp_path / "mine")
    weights = directory / "model.safetensors"
    write_record(directory, Record(name="org/it", threshold=0.5, sha256={weights.name: sha256_of(weights)}))
    assert open_model(str(directory)).threshold == 0.5
    damaged = bytearray(weights.read_bytes())
    damaged[-1] ^= 1
    weights.write_bytes(damaged)
    with pytest.raises(ModelError, match=r"mine/model\.safetensors: SHA-256 is .* recorded was .*pull"):
        open_model(str(directory))


def test_a_lone_recorded_hash_is_that_of_the_weights(tmp_path: Path) -> None:
    directory = write_model(tmp_path / "mine")
    (directory / "earwitness.json").write_text(json.dumps({"sha256": "0" * 64, "made_by": "somebody"}))
    with pytest.raises(ModelError, match=r"model\.safetensors: SHA-256"):
        open_model(str(directory))


def test_weights_that_the_record_does_not_know_are_refused(tmp_path: Path) -> None:
    directory = write_model(tmp_path / "mine", pickled=True)
    write_record(directory, Record(sha256={"model.safetensors": "0" * 64}))
    with pytest.raises(ModelError, match="not among the files recorded"):
        open_model(str(directory))


def test_a_record_that_is_not_json_is_an_error_that_names_it(tmp_path: Path) -> None:
    directory = write_model(tmp_path / "mine")
    (directory / "earwitness.json").write_text("{")
    with pytest.raises(ModelError, match=r"earwitness\.json: cannot be read"):
        open_model(str(directory))


def test_a_hub_name_is_found_among_pulled_models_first(tmp_path: Path, environ: dict[str, str]) -> None:
    cached(tmp_path / "cache")
    pulled = write_model(tmp_path / "models" / NAME)
    assert open_model(NAME, environ).directory == pulled


def test_a_hub_name_is_found_in_the_hugging_face_cache(tmp_path: Path, environ: dict[str, str]) -> None:
    snapshot = cached(tmp_path / "cache")
    model = open_model(NAME, environ)
    assert (model.directory, model.weights.name) == (snapshot, "pytorch_model.bin")
    assert model.threshold == 0.86, "its card's value"
    assert model.licence.startswith("CC-BY-SA-3.0")


def test_a_model_that_is_nowhere_names_the_commands_for_here_and_elsewhere(environ: dict[str, str]) -> None:
    with pytest.raises(ModelError) as caught:
        open_model(NAME, environ)
    message = str(caught.value)
    assert f"\n    earwitnessd model pull {NAME}\n" in message
    assert f"earwitnessd model pull {NAME} --to wavlm-base-plus-sv" in message
    assert f"{environ['EARWITNESS_MODELS']}/{NAME}" in message


def test_a_name_that_can_be_nothing_says_what_names_there_are(environ: dict[str, str]) -> None:
    with pytest.raises(ModelError, match="no such directory, not imported, and not a hub name"):
        open_model("/nowhere/at/all", environ)


def test_missing_files_are_named_beside_what_was_found(tmp_path: Path) -> None:
    write_settings(tmp_path / "half")
    (tmp_path / "half" / "config.json").unlink()
    with pytest.raises(ModelError) as caught:
        open_model(str(tmp_path / "half"))
    message = str(caught.value)
    assert "config.json, model.safetensors or pytorch_model.bin missing" in message
    assert "(found: preprocessor_config.json)" in message


@pytest.mark.parametrize(
    "config", [{"architectures": ["WavLMForCTC"]}, {"model_type": "wavlm"}, {"architectures": None}]
)
def test_another_architecture_is_refused(tmp_path: Path, config: dict[str, object]) -> None:
    directory = write_model(tmp_path / "mine")
    (directory / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"architecture is .*, expected WavLMForXVector"):
        open_model(str(directory))


def test_a_model_for_another_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="sampling_rate is 8000, expected 16000 Hz"):
        open_model(str(write_model(tmp_path / "mine", rate=8000)))


@pytest.mark.parametrize("content", ["not json", "[1]"])
def test_settings_that_are_no_json_object_are_refused(tmp_path: Path, content: str) -> None:
    directory = write_model(tmp_path / "mine")
    (directory / "config.json").write_text(content)
    with pytest.raises(ModelError, match=r"config\.json: .*pull the model again"):
        open_model(str(directory))


def test_pulled_models_lie_where_the_variable_then_systemd_then_the_user_says(tmp_path: Path) -> None:
    state = {"STATE_DIRECTORY": "/var/lib/earwitness:/var/lib/other"}
    assert models_directory({"EARWITNESS_MODELS": "/m", **state}) == Path("/m")
    assert models_directory(state) == Path("/var/lib/earwitness/models")
    assert models_directory({"XDG_DATA_HOME": str(tmp_path)}) == tmp_path / "earwitness" / "models"
    assert models_directory({}) == Path.home() / ".local/share/earwitness/models"


@pytest.mark.parametrize("name", ["../../etc", "a/..", ".hidden/x", "a/b/c", "a", "/a/b", "a/ b"])
def test_a_hub_name_cannot_leave_the_directory_of_models(name: str) -> None:
    assert not is_hub_name(name)


def test_the_built_in_model_is_whole_and_unchanged() -> None:
    if not (BUILTIN_DIRECTORY / "earwitness.json").is_file():
        pytest.skip(f"no built-in model in {BUILTIN_DIRECTORY} yet")
    model = open_model("builtin")
    assert model.threshold is not None
    assert not model.licence.startswith("unknown")
