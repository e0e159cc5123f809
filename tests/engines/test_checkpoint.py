"""Every weight of a checkpoint reaches the model, or nothing does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from earwitnessd.engines import open_embedder
from earwitnessd.engines.checkpoint import TRAINING_ONLY, convert, load
from earwitnessd.models import ModelError, open_model
from tests.models.making import network, write_model, write_settings

POSITIONAL = "wavlm.encoder.pos_conv_embed.conv"
ROUNDING = 1e-6
Tensors = dict[str, torch.Tensor]


def embedding(directory: Path) -> np.ndarray:
    window = np.random.default_rng(3).standard_normal((1, 16_000)).astype(np.float32)
    return open_embedder(open_model(str(directory)), "cpu").embed(window)


def rewritten(directory: Path, change: Callable[[Tensors], Tensors]) -> Path:
    path = write_model(directory) / "model.safetensors"
    save_file(change(load_file(path)), path)
    return directory


@pytest.mark.parametrize("pickled", [False, True])
def test_old_and_new_names_give_identical_embeddings(tmp_path: Path, pickled: bool) -> None:
    new = write_model(tmp_path / "new")
    old = write_model(tmp_path / "old", old_style=True, pickled=pickled)
    weights, expected = load(old).state_dict(), load(new).state_dict()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    np.testing.assert_allclose(embedding(old), embedding(new), atol=ROUNDING)


def test_the_positional_convolution_matters_to_the_embedding(tmp_path: Path) -> None:
    """Else the test above would prove nothing."""
    other = rewritten(
        tmp_path / "other", lambda t: {**t, f"{POSITIONAL}.bias": t[f"{POSITIONAL}.bias"] + 1.0}
    )
    assert np.abs(embedding(other) - embedding(write_model(tmp_path / "mine"))).max() > 1e-3


@pytest.mark.parametrize(
    "name", [f"{POSITIONAL}.parametrizations.weight.original1", "layer_weights", "classifier.bias"]
)
def test_a_missing_weight_is_named(tmp_path: Path, name: str) -> None:
    directory = rewritten(tmp_path / "m", lambda t: {key: value for key, value in t.items() if key != name})
    with pytest.raises(ModelError, match=f"missing: {name}"):
        load(directory)


def test_a_weight_left_over_is_named(tmp_path: Path) -> None:
    directory = rewritten(tmp_path / "m", lambda t: {**t, "wavlm.extra": torch.zeros(1)})
    with pytest.raises(ModelError, match=r"left over: wavlm\.extra"):
        load(directory)


def test_a_weight_of_another_shape_is_named_with_both_shapes(tmp_path: Path) -> None:
    directory = rewritten(tmp_path / "m", lambda t: {**t, "projector.bias": torch.zeros(25)})
    with pytest.raises(ModelError, match=r"projector\.bias is \(25,\), expected \(24,\)"):
        load(directory)


def test_both_halves_of_a_mix_of_old_and_new_names_are_judged(tmp_path: Path) -> None:
    def mixed(tensors: Tensors) -> Tensors:
        new = f"{POSITIONAL}.parametrizations.weight.original0"
        return {(f"{POSITIONAL}.weight_x" if name == new else name): t for name, t in tensors.items()}

    with pytest.raises(ModelError, match=r"missing: .*original0; left over: .*weight_x"):
        load(rewritten(tmp_path / "m", mixed))


def test_what_only_training_needs_may_be_absent_or_of_any_shape(tmp_path: Path) -> None:
    whole = write_model(tmp_path / "whole")
    without = rewritten(tmp_path / "a", lambda t: {k: v for k, v in t.items() if k not in TRAINING_ONLY})
    larger = rewritten(tmp_path / "b", lambda t: {**t, "objective.weight": torch.full((24, 999), torch.nan)})
    np.testing.assert_allclose(embedding(without), embedding(whole), atol=ROUNDING)
    np.testing.assert_allclose(embedding(larger), embedding(whole), atol=ROUNDING)


def test_loading_twice_gives_the_same_and_leaves_no_random_weight(tmp_path: Path) -> None:
    directory = write_model(tmp_path / "m")
    torch.manual_seed(1)
    first = load(directory).state_dict()
    torch.manual_seed(2)
    second = load(directory).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert all(tensor.device.type == "cpu" for tensor in first.values())


def test_half_precision_storage_is_computed_in_float32(tmp_path: Path) -> None:
    half = write_model(tmp_path / "half", half=True)
    assert {tensor.dtype for tensor in load(half).state_dict().values()} == {torch.float32}
    assert embedding(half) @ embedding(write_model(tmp_path / "whole")).T > 0.9999


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    write_settings(tmp_path / "m")
    torch.save({"projector.bias": Path("x")}, tmp_path / "m" / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be read as a checkpoint"):
        load(tmp_path / "m")


@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize("content", [b"", b"garbage, and more of it"])
def test_a_damaged_checkpoint_is_an_error_that_names_the_file(
    tmp_path: Path, file: str, content: bytes
) -> None:
    write_settings(tmp_path / "m")
    (tmp_path / "m" / file).write_bytes(content)
    with pytest.raises(ModelError, match=rf"m/{file}: cannot be read as a checkpoint"):
        load(tmp_path / "m")


def test_conversion_keeps_every_bit_of_a_weight(tmp_path: Path) -> None:
    old = write_model(tmp_path / "old", old_style=True, pickled=True, half=True)
    convert(old, tmp_path / "new.safetensors")
    converted = load_file(tmp_path / "new.safetensors")
    expected = {name: t.half() for name, t in network().state_dict().items() if name not in TRAINING_ONLY}
    assert converted.keys() == expected.keys()
    assert all(torch.equal(converted[name], expected[name]) for name in expected)
