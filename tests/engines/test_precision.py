"""bfloat16 is used where it was asked for, has units, and kept its promise on speech; else float32."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from earwitnessd.engines import Precision, Windows, open_embedder
from earwitnessd.engines.checkpoint import load
from earwitnessd.engines.computing import Arrangement, arrange, computing, keeps_its_promise
from earwitnessd.engines.devices import lacks_bfloat16
from earwitnessd.engines.precision import FAST_PROMISE, RESOLUTION, lower, score_difference
from earwitnessd.engines.products import Dense
from earwitnessd.engines.speech import speech_windows
from earwitnessd.models import open_model
from tests.engines.families import config_of, network, write

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def speech() -> Windows:
    return speech_windows(12, 48_000)


def model(directory: Path, commonness: float = 0.0, **change: object) -> Path:
    """A small one; `commonness` is what all its embeddings share, in lengths of their mean."""
    config = {**config_of("large"), "hidden_size": 64, "intermediate_size": 128, **change}
    write(directory, config, network(config))
    if commonness:
        path = directory / "model.safetensors"
        weights = load_file(path)
        with torch.inference_mode():
            mean = load(directory)(torch.from_numpy(speech_windows(4, 48_000))).mean(0)
        weights["feature_extractor.bias"] += (commonness - 1.0) * mean
        save_file(weights, path)
    return directory


def arranged(
    directory: Path, precision: Precision, speech: Windows, lacking: str | None = None
) -> Arrangement:
    return arrange(directory, CPU, precision, speech, lacking)


def test_exact_is_float32_whatever_the_units(tmp_path: Path, speech: Windows) -> None:
    made = arranged(model(tmp_path), "exact", speech[:1])
    assert (made.says, made.kind) == ("float32", "")


@pytest.mark.parametrize("precision", ["fast", "auto"])
def test_scores_that_cannot_be_told_apart_keep_the_models_id(
    tmp_path: Path, speech: Windows, precision: Precision
) -> None:
    directory = model(tmp_path, commonness=3.0)
    made = arranged(directory, precision, speech)
    exact = arranged(directory, "exact", speech)
    off = score_difference(made.compute(speech), exact.compute(speech))
    assert 0.0 < off <= RESOLUTION
    assert made.says == f"bfloat16, scores within {off:.4f}"
    assert made.kind == ""


def test_scores_that_can_be_told_apart_are_another_models(tmp_path: Path, speech: Windows) -> None:
    directory = model(tmp_path, commonness=0.6)
    made = arranged(directory, "fast", speech)
    off = score_difference(made.compute(speech), arranged(directory, "exact", speech).compute(speech))
    assert RESOLUTION < off <= FAST_PROMISE
    assert made.kind == "+bf16"


def test_auto_takes_nothing_that_can_be_told_from_exact(
    tmp_path: Path, speech: Windows, caplog: pytest.LogCaptureFixture
) -> None:
    directory = model(tmp_path, commonness=0.6)
    with caplog.at_level(logging.WARNING):
        made = arranged(directory, "auto", speech)
    assert made.kind == ""
    assert made.says.startswith("float32 (bfloat16 changes scores by 0.0")
    assert "engine.precision = auto: bfloat16 changes scores by" in caplog.text


def test_fast_is_refused_where_it_breaks_its_promise(tmp_path: Path, speech: Windows) -> None:
    directory = model(tmp_path, commonness=0.001)
    made = arranged(directory, "fast", speech)
    assert made.says.startswith("float32 (bfloat16 changes scores by ")
    np.testing.assert_array_equal(made.compute(speech), arranged(directory, "exact", speech).compute(speech))


def test_without_units_fast_is_float32_and_says_why(tmp_path: Path, speech: Windows) -> None:
    made = arranged(model(tmp_path), "fast", speech, lacking="this CPU has no bfloat16 units")
    assert (made.says, made.kind) == ("float32 (this CPU has no bfloat16 units)", "")


def test_an_engine_says_its_precision(tmp_path: Path) -> None:
    opened = open_model(str(model(tmp_path / "m")))
    engine = open_embedder(opened, "cpu", 1, "fast")
    lacking = lacks_bfloat16(CPU)
    assert engine.device.startswith(
        "cpu (1 thread), bfloat16" if lacking is None else "cpu (1 thread), float32 ("
    )


def test_the_first_filters_the_last_product_and_odd_groups_stay_in_float32(tmp_path: Path) -> None:
    lowered = lower(load(model(tmp_path, num_conv_pos_embedding_groups=8)))
    kinds = {name: weight.dtype for name, weight in lowered.named_parameters()}
    assert kinds["features.first.filter.weight"] == torch.float32
    assert kinds["head.last.weight"] == torch.float32
    assert kinds["encoder.position.convolution.weight"] == torch.float32  # 8 channels a group
    assert kinds["features.later.0.convolution.weight"] == torch.bfloat16
    assert kinds["encoder.layers.0.attention.project.weight"] == torch.bfloat16
    tiled = lower(load(model(tmp_path, num_conv_pos_embedding_groups=4)))
    assert tiled.encoder.position.convolution.weight.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("processor : 0\nflags\t\t: fpu avx512f avx512_bf16 sse\n", None),
        ("flags : fpu amx_tile amx_bf16\n", None),
        ("flags : fpu avx2 avx512f\n", "no bfloat16 units"),
        ("", "no bfloat16 units"),
    ],
)
def test_a_cpus_units_are_read_from_its_flags(tmp_path: Path, content: str, says: str | None) -> None:
    flags = tmp_path / "cpuinfo"
    flags.write_text(content)
    found = lacks_bfloat16(CPU, flags)
    assert found is None if says is None else says in str(found)


def test_where_flags_cannot_be_read_units_are_not_assumed(tmp_path: Path) -> None:
    assert "not known" in str(lacks_bfloat16(CPU, tmp_path / "missing"))
    assert "not used on mps" in str(lacks_bfloat16(torch.device("mps")))


def test_a_score_is_off_by_its_worst_pair() -> None:
    exact = np.eye(3)
    turned = exact.copy()
    turned[0] = [np.cos(0.1), np.sin(0.1), 0.0]
    assert score_difference(turned, exact) == pytest.approx(np.sin(0.1))
    assert score_difference(5.0 * exact, exact) == pytest.approx(0.0)


def test_the_judged_speech_is_of_several_moments(speech: Windows) -> None:
    assert speech.shape == (12, 48_000)
    assert speech.dtype == np.float32
    assert (np.abs(speech).max(1) > 0.05).all()


class Damaged(Dense):
    """A product that a faulty library would give."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return super().forward(inputs) * 1.0001


def test_a_packed_network_that_is_off_breaks_its_promise(
    tmp_path: Path, speech: Windows, caplog: pytest.LogCaptureFixture
) -> None:
    ours = load(model(tmp_path))
    expected = computing(ours, CPU)(speech[:1])
    assert keeps_its_promise(ours, speech[:1], expected, "packed products")
    last = ours.head.last
    assert last is not None
    assert last.bias is not None
    ours.head.last = Damaged(last.weight, last.bias)
    with caplog.at_level(logging.WARNING):
        assert not keeps_its_promise(ours, speech[:1], expected, "packed products")
    assert "packed products are off by 1.0e-04" in caplog.text
