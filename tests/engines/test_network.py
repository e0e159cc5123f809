"""The network of our own gives what transformers gives, to the last digits of float32."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers.activations import ACT2FN

from earwitnessd.engines.activations import activation
from earwitnessd.engines.architecture import Architecture
from earwitnessd.engines.checkpoint import load
from earwitnessd.engines.exactness import ONE_MINUS_COSINE, RELATIVE, difference
from earwitnessd.engines.network import Network
from earwitnessd.engines.packing import pack
from earwitnessd.engines.position import buckets
from earwitnessd.models import ModelError
from tests.engines.families import FAMILIES, config_of, network, write, write_config

UNKNOWN_TO_US = {"prelu", "xielu"}  # have weights of their own


def waves(count: int, seconds: float, seed: int = 7) -> torch.Tensor:
    """Audio of several colours and levels."""
    made = torch.Generator().manual_seed(seed)
    noise = torch.randn(1, count, round(seconds * 16_000), generator=made)
    filters = torch.randn(count, 1, 9, generator=made)
    coloured = torch.nn.functional.conv1d(noise, filters, groups=count, padding=4)[0]
    return coloured * torch.logspace(-2, -0.5, count).unsqueeze(1)


def assert_same(found: torch.Tensor, expected: torch.Tensor) -> None:
    away = difference(found.numpy(), expected.numpy())
    assert away.relative <= RELATIVE
    assert away.one_minus_cosine <= ONE_MINUS_COSINE


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_kind_of_configuration_gives_what_transformers_gives(
    tmp_path: Path, family: str, packed: bool
) -> None:
    config = config_of(family)
    theirs = network(config)
    ours = load(write(tmp_path, config, theirs))
    if packed:
        assert pack(ours)
    with torch.inference_mode():
        for count, seconds in ((1, 3.0), (5, 1.0), (2, 6.0)):
            audio = waves(count, seconds)
            expected = theirs(audio).embeddings
            assert_same(ours(audio), expected)
        if family != "no-layers":  # which hears too little to tell
            cosines = torch.corrcoef(theirs(waves(5, 2.0)).embeddings)
            assert cosines[~torch.eye(5, dtype=torch.bool)].max() < 0.99


@pytest.mark.parametrize("count", [1, 2, 7, 16, 64])
def test_batches_of_any_size_give_what_transformers_gives(tmp_path: Path, count: int) -> None:
    config = config_of("base")
    theirs = network(config)
    ours = load(write(tmp_path, config, theirs))
    audio = waves(count, 1.5)
    with torch.inference_mode():
        expected = theirs(audio).embeddings
        assert_same(ours(audio), expected)
        assert pack(ours)
        assert_same(ours(audio), expected)


def test_windows_of_many_lengths_one_after_the_other(tmp_path: Path) -> None:
    config = config_of("large-weighted")
    theirs = network(config)
    ours = load(write(tmp_path, config, theirs))
    assert pack(ours)
    with torch.inference_mode():
        for seconds in (1.0, 2.3, 3.0, 4.1, 5.0, 6.0, 1.0, 3.0):
            audio = waves(1, seconds)
            assert_same(ours(audio), theirs(audio).embeddings)


@pytest.mark.parametrize("name", sorted(set(ACT2FN) - UNKNOWN_TO_US))
def test_every_activation_that_transformers_knows_is_the_same_here(name: str) -> None:
    values = torch.linspace(-12.0, 12.0, 4001)
    torch.testing.assert_close(activation(name)(values), ACT2FN[name](values), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", [*sorted(UNKNOWN_TO_US), "no-such"])
def test_an_activation_that_cannot_be_computed_is_refused_with_those_that_can(name: str) -> None:
    with pytest.raises(ModelError, match=f'activation "{name}" cannot be computed here; .* gelu, '):
        activation(name)


@pytest.mark.parametrize(("count", "furthest"), [(320, 800), (64, 128), (32, 60), (4, 2), (10, 900)])
def test_distances_fall_into_the_buckets_that_transformers_puts_them_in(count: int, furthest: int) -> None:
    config = {**config_of("base"), "num_buckets": count, "max_bucket_distance": furthest}
    theirs = network(config).wavlm.encoder.layers[0].attention
    distances = torch.arange(-1500, 1501)
    assert torch.equal(buckets(distances, count, furthest), theirs._relative_positions_bucket(distances))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"add_adapter": True}, "adapters .* are not computed"),
        ({"num_attention_heads": 5}, "no multiple of num_attention_heads"),
        ({"num_conv_pos_embedding_groups": 5}, "no multiple of num_conv_pos_embedding_groups"),
        ({"conv_stride": [5, 2]}, "must be equally long"),
        ({"tdnn_kernel": [1]}, "must be equally long"),
        ({"tdnn_dim": [], "tdnn_kernel": [], "tdnn_dilation": []}, "not empty"),
        ({"feat_extract_norm": "batch"}, "feat_extract_norm"),
        ({"hidden_size": 0}, "hidden_size"),
        ({"max_bucket_distance": 8}, "max_bucket_distance"),
        ({"hidden_act": "prelu"}, "prelu"),
    ],
)
def test_a_configuration_that_cannot_be_computed_is_refused_by_name(
    tmp_path: Path, change: dict[str, object], why: str
) -> None:
    config = config_of("base")
    write(tmp_path, config, network(config))
    write_config(tmp_path, {**config, **change})
    with pytest.raises(ModelError, match=why):
        load(tmp_path)


def test_a_window_that_leaves_too_few_frames_says_how_many(tmp_path: Path) -> None:
    config = config_of("base")
    ours = load(write(tmp_path, config, network(config)))
    with pytest.raises(RuntimeError, match="400 samples leave 0 frames"):
        ours(torch.zeros(1, 400))


@pytest.mark.parametrize("samples", [16_000, 20_123, 96_000])
def test_the_number_of_frames_is_known_before_they_are_computed(samples: int) -> None:
    config = config_of("odd")
    architecture = Architecture(
        **{key: value for key, value in config.items() if key in Architecture.__struct_fields__}
    )
    theirs = network(config)
    expected = theirs._get_feat_extract_output_lengths(samples)
    assert architecture.frames(samples) == int(expected)


def test_a_network_can_be_computed_in_float64_to_judge_both(tmp_path: Path) -> None:
    config = config_of("large-weighted")
    theirs = network(config)
    ours = load(write(tmp_path, config, theirs)).double()
    assert isinstance(ours, Network)
    audio = waves(2, 1.0).double()
    with torch.inference_mode():
        away = difference(ours(audio).numpy(), theirs.double()(audio).embeddings.numpy())
    assert away.relative < 1e-6  # the folded weights were rounded to float32


def test_the_engines_compute_without_transformers(tmp_path: Path) -> None:
    config = config_of("base")
    write(tmp_path, config, network(config))
    code = (
        "import sys, numpy; from earwitnessd.engines import open_embedder; "
        "from earwitnessd.models import open_model; "
        f"open_embedder(open_model({str(tmp_path)!r}), 'cpu', 1)"
        ".embed(numpy.ones((1, 16000), numpy.float32)); "
        "sys.exit('transformers' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_difference_is_the_largest_of_any_row() -> None:
    right = np.array([[1.0, 0.0], [0.0, 2.0]], dtype=np.float32)
    away = difference(right + np.array([[0.0, 0.0], [0.0, 1e-3]], dtype=np.float32), right)
    assert away.relative == pytest.approx(5e-4, rel=1e-3)
    assert away.one_minus_cosine == pytest.approx(0.0, abs=1e-12)
