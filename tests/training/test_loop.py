"""A run resumes exactly, ends with a model that loads, and can fine-tune a head."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import WavLMForXVector

from earwitnessd.training import normalisation
from earwitnessd.training.errors import TrainingError
from earwitnessd.training.loop import Progress
from earwitnessd.training.network import build, embed, keep_first_layer_exact
from earwitnessd.training.settings import MarginSettings, ModelSettings
from earwitnessd.training.teacher import Teacher
from tests.training.recipes import TINY, pool_of, tiny_recipe, tiny_trainer, write_teacher
from tests.training.voices import write_speakers


def teacher(folder: Path) -> Teacher:
    return Teacher(write_teacher(folder / "teacher.pt", 8), torch.device("cpu"))


class StoppedError(Exception):
    """The run was interrupted."""


@pytest.fixture(scope="module")
def speakers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_speakers(tmp_path_factory.mktemp("speakers"), 6)


def test_a_resumed_run_ends_with_the_very_weights_of_an_uninterrupted_one(
    speakers: Path, tmp_path: Path
) -> None:
    recipe = tiny_recipe(steps=20)
    pool = pool_of(speakers, recipe, tmp_path / "cache")
    whole = tiny_trainer(recipe, pool, tmp_path / "whole", teacher(tmp_path))
    whole.run(None, lambda _now: None)

    interrupted = tiny_trainer(recipe, pool, tmp_path / "parts", teacher(tmp_path))

    def stop_at_11(now: Progress) -> None:
        if now.step == 11:
            interrupted.save()
            raise StoppedError

    with pytest.raises(StoppedError):
        interrupted.run(None, stop_at_11)
    resumed = tiny_trainer(recipe, pool, tmp_path / "parts", teacher(tmp_path))
    assert resumed.resume() == 11
    resumed.run(None, lambda _now: None)

    expected = load_file(tmp_path / "whole/model/model.safetensors")
    found = load_file(tmp_path / "parts/model/model.safetensors")
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_a_checkpoint_of_another_recipe_is_refused(speakers: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(steps=1)
    pool = pool_of(speakers, recipe, tmp_path / "cache")
    tiny_trainer(recipe, pool, tmp_path / "out").run(None, lambda _now: None)
    other = msgspec.structs.replace(recipe, seed=8)
    with pytest.raises(TrainingError, match="another recipe"):
        tiny_trainer(other, pool, tmp_path / "out").resume()


def test_training_lowers_the_loss_and_reports_the_dev_error(speakers: Path, tmp_path: Path) -> None:
    recipe = msgspec.structs.replace(tiny_recipe(steps=60), margin=MarginSettings(margin=0.0))
    pool = pool_of(speakers, recipe, tmp_path / "cache")
    seen: list[Progress] = []
    tiny_trainer(recipe, pool, tmp_path / "out").run(lambda _embed: 0.25, seen.append)
    assert seen[-1].loss < seen[0].loss
    assert seen[-1].dev_eer == 0.25
    assert [now.step for now in seen] == [*range(1, 61), 60]


def test_the_written_model_loads_without_missing_or_unexpected_weights(
    speakers: Path, tmp_path: Path
) -> None:
    recipe = tiny_recipe(steps=2)
    pool = pool_of(speakers, recipe, tmp_path / "cache")
    tiny_trainer(recipe, pool, tmp_path / "out").run(None, lambda _now: None)
    network, notes = WavLMForXVector.from_pretrained(tmp_path / "out/model", output_loading_info=True)
    assert not notes["missing_keys"]
    assert not notes["unexpected_keys"]
    assert network.dtype == torch.float32


def test_fine_tuning_the_head_leaves_the_rest_as_it_was(speakers: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(steps=2)
    pool = pool_of(speakers, recipe, tmp_path / "cache")
    tiny_trainer(recipe, pool, tmp_path / "out").run(None, lambda _now: None)
    start = ModelSettings(start=str(tmp_path / "out/model"), train_only="head")
    tiny_trainer(tiny_recipe(3, start), pool, tmp_path / "tuned").run(None, lambda _now: None)
    before = load_file(tmp_path / "out/model/model.safetensors")
    after = load_file(tmp_path / "tuned/model/model.safetensors")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert any(name.startswith("tdnn.") for name in changed)
    assert not any(name.startswith("wavlm.") for name in changed)


def test_a_model_to_start_from_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="nowhere"):
        build(ModelSettings(start=str(tmp_path / "nowhere")))


def test_normalisation_folds_into_the_head_without_changing_what_it_computes() -> None:
    torch.manual_seed(0)
    network, normalise = build(ModelSettings(config=TINY, bandpass_bands=8))
    plain_names = set(network.state_dict())
    normalisation.insert(network)
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(4, 8000))
        for module in network.modules():
            if isinstance(module, normalisation.ChannelNorm):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_()
    folded = normalisation.folded(network.eval())
    waves = np.random.default_rng(0).standard_normal((3, 16000)).astype(np.float32)
    expected = embed(network, normalise, torch.device("cpu"), waves)
    np.testing.assert_allclose(embed(folded, normalise, torch.device("cpu"), waves), expected, atol=1e-5)
    assert set(folded.state_dict()) == plain_names


def test_the_first_layer_as_a_product_equals_the_convolution() -> None:
    torch.manual_seed(0)
    network, normalise = build(ModelSettings(config=TINY, bandpass_bands=8))
    network.eval()
    waves = np.random.default_rng(0).standard_normal((3, 16000)).astype(np.float32)
    plain = embed(network, normalise, torch.device("cpu"), waves)
    keep_first_layer_exact(network, torch.device("cpu"))
    np.testing.assert_allclose(embed(network, normalise, torch.device("cpu"), waves), plain, atol=1e-5)
