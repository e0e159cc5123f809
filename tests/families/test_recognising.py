"""A checkpoint's family follows from its weights; what cannot be used is refused in plain words."""

from __future__ import annotations

import argparse
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from earwitnessd.bench.errors import BenchError
from earwitnessd.bench.models import comparable
from earwitnessd.engines.checkpoint import load
from earwitnessd.engines.families import convert_checkpoint
from earwitnessd.engines.families.naming import by_transformers
from earwitnessd.models import ModelError
from earwitnessd.models.families import Family
from earwitnessd.models.importing import Card
from earwitnessd.training.errors import TrainingError
from earwitnessd.training.network import build
from earwitnessd.training.settings import ModelSettings
from tests.engines.families import SMALL, config_of, network, write
from tests.families.recorded import NAMES, recorded, weights_of
from tests.models.making import write_model

EXPECTED = {
    "microsoft-base": Family.BACKBONE,
    "microsoft-large": Family.BACKBONE,
    "ecapa-base": Family.ECAPA,
    "ecapa-large": Family.ECAPA,
    "rawnet": Family.RAWNET,
}


def taken_in(
    source: Path, target: Path, backbone: Path | None = None, assume: dict[str, Any] | None = None
) -> Card:
    target.mkdir(parents=True)
    return convert_checkpoint(source, target, assume or {}, backbone)


def config(directory: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((directory / "config.json").read_text())
    return content


def outputs(directory: Path) -> torch.Tensor:
    wave = torch.from_numpy(np.random.default_rng(2).standard_normal((1, 16_000)).astype(np.float32))
    with torch.inference_mode():
        found: torch.Tensor = load(directory)(wave)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_each_family_is_recognised_by_its_weights(tmp_path: Path, name: str) -> None:
    card = taken_in(recorded(name).write(tmp_path / "any.bin"), tmp_path / "out")
    assert card.family is EXPECTED[name]
    assert (card.family.warning is not None) == (card.family is Family.BACKBONE)
    assert card.left_aside == ()


@pytest.mark.parametrize("family", ["base", "large", "large-weighted"])
@pytest.mark.parametrize("old", [False, True])
def test_old_and_new_checkpoints_of_transformers_give_the_same_network(
    tmp_path: Path, family: str, old: bool
) -> None:
    theirs = network(config_of(family))
    new = write(tmp_path / "new", config_of(family), theirs)
    if old:
        factors = {
            "parametrizations.weight.original0": "weight_g",
            "parametrizations.weight.original1": "weight_v",
        }
        tensors = load_file(new / "model.safetensors")
        for ours, theirs_name in factors.items():
            tensors = {name.replace(ours, theirs_name): tensor for name, tensor in tensors.items()}
        (new / "model.safetensors").unlink()
        torch.save(tensors, new / "pytorch_model.bin")
    card = taken_in(new, tmp_path / "out")
    assert card.family is Family.XVECTOR
    assert card.assumed == ()
    expected = load(write(tmp_path / "again", config_of(family), theirs)).state_dict()
    found = load(tmp_path / "out").state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("normalise", [False, True])
def test_the_feature_extractor_says_whether_audio_is_normalised(tmp_path: Path, normalise: bool) -> None:
    taken_in(write_model(tmp_path / "theirs", normalise=normalise), tmp_path / "out")
    assert (
        json.loads((tmp_path / "out" / "preprocessor_config.json").read_text())["do_normalize"] is normalise
    )


def test_an_x_vector_model_without_its_configuration_is_told_by_its_shapes(tmp_path: Path) -> None:
    usual = {**SMALL, "conv_dim": [16] * 7, "max_bucket_distance": 800, "tdnn_dilation": [1, 2, 3]}
    del usual["conv_stride"], usual["conv_kernel"]
    theirs = network(usual)
    whole = write(tmp_path / "theirs", usual, theirs)
    (whole / "model.safetensors").rename(tmp_path / "alone.safetensors")
    card = taken_in(tmp_path / "alone.safetensors", tmp_path / "out")
    assert card.family is Family.XVECTOR
    assert "conv_stride = [5, 2, 2, 2, 2, 2, 2]" in card.assumed
    torch.testing.assert_close(
        outputs(tmp_path / "out"), outputs(write(tmp_path / "b", usual, theirs)), rtol=1e-5, atol=1e-6
    )


def test_what_the_file_does_not_say_can_be_said(tmp_path: Path) -> None:
    file = recorded("ecapa-large").write(tmp_path / "head.pth")
    said = {"max_bucket_distance": 1280, "do_normalize": False, "do_stable_layer_norm": False}
    card = taken_in(file, tmp_path / "out", assume=said)
    assert card.assumed == ("conv_stride = [5, 2, 2, 2, 2, 2, 2]",)
    assert config(tmp_path / "out")["max_bucket_distance"] == 1280
    assert json.loads((tmp_path / "out" / "preprocessor_config.json").read_text())["do_normalize"] is False


def test_a_setting_that_fits_nothing_is_refused_by_name(tmp_path: Path) -> None:
    file = recorded("ecapa-base").write(tmp_path / "head.pth")
    with pytest.raises(ModelError, match=r"max_bucket_distance.*--assume"):
        taken_in(file, tmp_path / "out", assume={"max_bucket_distance": 2})


def test_a_backbone_says_the_settings_that_the_head_was_trained_with(tmp_path: Path) -> None:
    backbone = recorded("microsoft-large")
    assert backbone.cfg is not None
    cfg = {**backbone.cfg, "max_distance": 555}
    torch.save({"cfg": cfg, "model": weights_of(backbone.shapes)}, tmp_path / "wavlm.pt")
    head = recorded("ecapa-large").write(tmp_path / "head.pth")
    card = taken_in(head, tmp_path / "out", tmp_path / "wavlm.pt")
    assert card.assumed == ()
    assert config(tmp_path / "out")["max_bucket_distance"] == 555


def test_a_head_without_its_backbone_takes_the_one_that_is_named(tmp_path: Path) -> None:
    whole = recorded("ecapa-base")
    taken_in(whole.write(tmp_path / "whole.pth"), tmp_path / "whole")
    weights = weights_of(whole.shapes)
    prefix = "feature_extract.model."
    alone = {name: tensor for name, tensor in weights.items() if not name.startswith(prefix)}
    torch.save({"model": alone}, tmp_path / "head.pth")
    bare = {name.removeprefix(prefix): each for name, each in weights.items() if name.startswith(prefix)}
    torch.save({"cfg": recorded("microsoft-base").cfg, "model": bare}, tmp_path / "wavlm.pt")
    taken_in(tmp_path / "head.pth", tmp_path / "joined", tmp_path / "wavlm.pt")
    assert torch.equal(outputs(tmp_path / "joined"), outputs(tmp_path / "whole"))
    with pytest.raises(ModelError, match=r"ECAPA-TDNN.*lacks feature_extract\.model\.encoder\.pos_conv"):
        taken_in(tmp_path / "head.pth", tmp_path / "none")


def test_what_is_no_part_of_the_embedding_is_left_aside_and_said(tmp_path: Path) -> None:
    weights = {
        **weights_of(recorded("ecapa-base").shapes),
        "loss_calculator.projection.weight": torch.ones(2),
    }
    torch.save({"model": weights}, tmp_path / "head.pth")
    card = taken_in(tmp_path / "head.pth", tmp_path / "out")
    assert card.left_aside == ("loss_calculator.projection.weight",)


def test_names_that_parallel_training_left_are_understood(tmp_path: Path) -> None:
    whole = recorded("ecapa-base")
    taken_in(whole.write(tmp_path / "a.pth"), tmp_path / "a")
    parallel = {f"module.{name}": tensor for name, tensor in weights_of(whole.shapes).items()}
    torch.save({"state_dict": parallel}, tmp_path / "b.pth")
    taken_in(tmp_path / "b.pth", tmp_path / "b")
    assert torch.equal(outputs(tmp_path / "a"), outputs(tmp_path / "b"))


@pytest.mark.parametrize("name", ["ecapa-base", "rawnet", "microsoft-large"])
def test_a_weight_too_few_is_named(tmp_path: Path, name: str) -> None:
    made = recorded(name)
    lost = next(
        key for key in made.shapes if key.endswith("1.fc2.bias") or "1.feed_forward.output_dense.bias" in key
    )
    checkpoint = made.checkpoint()
    del checkpoint[made.container][lost]
    torch.save(checkpoint, tmp_path / "m.pt")
    with pytest.raises(
        ModelError, match=r"missing: wavlm\.encoder\.layers\.1\.feed_forward\.output_dense\.bias"
    ):
        taken_in(tmp_path / "m.pt", tmp_path / "out")


def test_a_wavlm_without_projection_or_gates_gets_neutral_ones() -> None:
    shapes = {
        "layer_norm.weight": (8,),
        "layer_norm.bias": (8,),
        "encoder.layers.0.self_attn.q_proj.weight": (8, 8),
        "encoder.layers.0.self_attn.relative_attention_bias.weight": (32, 2),
    }
    named, others = by_transformers(weights_of(shapes))
    assert others == ()
    frames = torch.randn(3, 8)
    projection = "wavlm.feature_projection.projection"
    assert torch.equal(frames @ named[f"{projection}.weight"].T + named[f"{projection}.bias"], frames)
    attention = "wavlm.encoder.layers.0.attention"
    linear = torch.randn(5, 4) @ named[f"{attention}.gru_rel_pos_linear.weight"].T
    outputs_of = linear + named[f"{attention}.gru_rel_pos_linear.bias"]
    update, reset = outputs_of.view(5, 2, 4).sum(-1).sigmoid().unbind(-1)
    gate = update * (reset * named[f"{attention}.gru_rel_pos_const"].flatten()[0] - 1.0) + 2.0
    assert torch.equal(gate, torch.ones(5))


def test_a_checkpoint_of_no_family_is_told_what_each_would_have(tmp_path: Path) -> None:
    torch.save({"model": {"encoder.weight": torch.ones(3), "fc.bias": torch.ones(2)}}, tmp_path / "other.pt")
    with pytest.raises(ModelError) as caught:
        taken_in(tmp_path / "other.pt", tmp_path / "out")
    message = str(caught.value)
    assert "holds 2 weights, such as encoder.weight, fc.bias" in message
    for words in ("x-vector", "ECAPA-TDNN", "RawNet", "WavLMForAudioFrameClassification", "microsoft/unilm"):
        assert words.replace("x-vector", "WavLMForXVector") in message
    assert message.count(": lacks ") == 6


def test_a_damaged_transformers_checkpoint_becomes_no_other_family(tmp_path: Path) -> None:
    directory = write_model(tmp_path / "m")
    tensors = load_file(directory / "model.safetensors")
    save_file(
        {name: each for name, each in tensors.items() if "tdnn" not in name}, directory / "model.safetensors"
    )
    with pytest.raises(ModelError, match=r"missing: tdnn\.0\.kernel"):
        taken_in(directory, tmp_path / "out")


class Code:
    """Pickled with a call in it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("code ran",))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_with_code_in_it_is_refused_and_nothing_runs(
    tmp_path: Path, zipped: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(
        {"model": {"a": torch.ones(1)}, "cfg": Code()},
        tmp_path / "m.pt",
        _use_new_zipfile_serialization=zipped,
    )
    with pytest.raises(ModelError, match=r"m\.pt: this pickle holds code \(print\).*refused"):
        taken_in(tmp_path / "m.pt", tmp_path / "out")
    assert "code ran" not in capsys.readouterr().out


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_that_torch_never_wrote_is_looked_at_and_not_opened(tmp_path: Path, protocol: int) -> None:
    (tmp_path / "m.pth").write_bytes(pickle.dumps({"model": Code()}, protocol))
    with pytest.raises(ModelError, match=r"m\.pth: this pickle holds code \(.*print\)"):
        taken_in(tmp_path / "m.pth", tmp_path / "out")


def test_settings_in_a_namespace_are_values_and_not_code(tmp_path: Path) -> None:
    made = recorded("microsoft-large")
    assert made.cfg is not None
    torch.save({"cfg": argparse.Namespace(**made.cfg), "model": weights_of(made.shapes)}, tmp_path / "m.pt")
    taken_in(tmp_path / "m.pt", tmp_path / "out")
    assert config(tmp_path / "out")["do_stable_layer_norm"] is True


def test_a_list_of_layers_is_read_and_never_run(tmp_path: Path) -> None:
    made = recorded("microsoft-base")
    cfg = {**(made.cfg or {}), "conv_feature_layers": "[__import__('os').getpid()]"}
    torch.save({"cfg": cfg, "model": weights_of(made.shapes)}, tmp_path / "m.pt")
    with pytest.raises(ModelError, match=r"conv_feature_layers is .* expected lists"):
        taken_in(tmp_path / "m.pt", tmp_path / "out")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.001, 0.3, 0.99])
def test_a_truncated_checkpoint_is_called_so(tmp_path: Path, zipped: bool, share: float) -> None:
    whole = tmp_path / "whole.pt"
    torch.save(recorded("ecapa-base").checkpoint(), whole, _use_new_zipfile_serialization=zipped)
    content = whole.read_bytes()
    (tmp_path / "m.pth").write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelError, match=r"m\.pth: (truncated|a damaged).*fetch it again"):
        taken_in(tmp_path / "m.pth", tmp_path / "out")


@pytest.mark.parametrize("share", [0.001, 0.5, 0.99])
def test_truncated_safetensors_are_called_so(tmp_path: Path, share: float) -> None:
    content = (write_model(tmp_path / "m") / "model.safetensors").read_bytes()
    (tmp_path / "m.safetensors").write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelError, match=r"m\.safetensors: truncated or damaged"):
        taken_in(tmp_path / "m.safetensors", tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"Dear reader,\nthis is a letter.\n", r"a text file \(it begins with 'Dear reader"),
        (b"<!DOCTYPE html><title>Virus scan warning</title>", "a web page, saved in place of the file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "git lfs pull"),
        (bytes(range(256)), "neither torch's nor safetensors"),
        (b'{"a": 1}', "a text file"),
    ],
)
def test_what_is_no_checkpoint_is_called_what_it_is(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "m.pth").write_bytes(content)
    with pytest.raises(ModelError, match=rf"m\.pth: .*{says}"):
        taken_in(tmp_path / "m.pth", tmp_path / "out")


def test_a_file_that_is_not_there_and_a_folder_without_weights_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file or directory"):
        taken_in(tmp_path / "none.pth", tmp_path / "a")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelError, match=r"no model\.safetensors or pytorch_model\.bin in it"):
        taken_in(tmp_path / "folder", tmp_path / "b")


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, torch.ones(2), {"model": {}}])
def test_a_checkpoint_without_weights_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "m.pt")
    with pytest.raises(ModelError, match="holds no weights"):
        taken_in(tmp_path / "m.pt", tmp_path / "out")


def test_training_and_comparing_with_transformers_want_an_x_vector_model(tmp_path: Path) -> None:
    taken_in(recorded("ecapa-base").write(tmp_path / "m.pth"), tmp_path / "ecapa")
    with pytest.raises(
        TrainingError, match=r"ECAPA-TDNN head .*; training begins with WavLM with an x-vector"
    ):
        build(ModelSettings(start=str(tmp_path / "ecapa")))
    with pytest.raises(BenchError, match="which transformers cannot compute"):
        comparable(str(tmp_path / "ecapa"))
    assert comparable(str(write_model(tmp_path / "m"))).family is Family.XVECTOR
