"""A network on tiles is the network that it was: exactly, or as nearly as bfloat16 allows."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from earwitnessd.engines import Compute, Precision, Windows, computing, open_embedder
from earwitnessd.engines.amx.layers import TiledLayer
from earwitnessd.engines.amx.tiled import TiledConvolution, TiledDense, TiledFeatures
from earwitnessd.engines.amx.tiling import ONE_PART, THREE_PARTS, TWO_PARTS, tile
from earwitnessd.engines.checkpoint import load
from earwitnessd.engines.computing import MARGIN, Tiles, arrange
from earwitnessd.engines.exactness import difference
from earwitnessd.engines.precision import FAST_PROMISE, RESOLUTION, score_difference
from earwitnessd.engines.products import Convolution, Dense
from earwitnessd.engines.speech import speech_windows
from earwitnessd.models import open_model
from tests.engines.amx.here import kernels, needs_amx
from tests.engines.families import FAMILIES, config_of, network, write
from tests.engines.test_network import waves
from tests.engines.test_precision import model as common_model

pytestmark = needs_amx

LARGE_HEADS = {"hidden_size": 128, "num_attention_heads": 2, "intermediate_size": 256}


@pytest.mark.parametrize("wide", [{}, LARGE_HEADS], ids=["small heads", "heads in whole blocks"])
@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"odd"}))
def test_every_kind_of_configuration_gives_what_transformers_gives(
    tmp_path: Path, family: str, wide: dict[str, int]
) -> None:
    config = {**config_of(family), **wide}
    theirs = network(config)
    ours = load(write(tmp_path, config, theirs))
    tile(ours, kernels(), THREE_PARTS)
    with torch.inference_mode():
        for count, seconds in ((1, 3.0), (5, 1.0), (2, 6.0)):
            audio = waves(count, seconds)
            away = difference(ours(audio).numpy(), theirs(audio).embeddings.numpy())
            assert away.exact, (count, seconds, away)


def test_sizes_that_fill_no_block_are_computed_too(tmp_path: Path) -> None:
    config = config_of("odd")
    theirs = network(config)
    ours = load(write(tmp_path, config, theirs))
    tile(ours, kernels(), THREE_PARTS)
    with torch.inference_mode():
        for count, seconds in ((1, 1.0), (7, 2.3)):
            audio = waves(count, seconds)
            assert difference(ours(audio).numpy(), theirs(audio).embeddings.numpy()).exact


@pytest.mark.parametrize("count", [1, 2, 16, 64])
def test_a_window_is_embedded_alike_in_batches_of_any_size(tmp_path: Path, count: int) -> None:
    config = {**config_of("large"), **LARGE_HEADS}
    ours = load(write(tmp_path, config, network(config)))
    tile(ours, kernels(), TWO_PARTS)
    audio = waves(count, 1.5)
    with torch.inference_mode():
        alone = torch.cat([ours(audio[row : row + 1]) for row in range(count)])
        assert difference(ours(audio).numpy(), alone.numpy()).exact


def test_no_windows_give_no_vectors(tmp_path: Path) -> None:
    config = {**config_of("base"), **LARGE_HEADS}
    ours = load(write(tmp_path, config, network(config)))
    tile(ours, kernels(), TWO_PARTS)
    with torch.inference_mode():
        assert ours(torch.zeros(0, 16_000)).shape == (0, ours.vector_size)


def test_everything_large_is_on_tiles(tmp_path: Path) -> None:
    config = {**config_of("base"), **LARGE_HEADS}
    ours = load(write(tmp_path, config, network(config)))
    tile(ours, kernels(), TWO_PARTS)
    assert isinstance(ours.features.first, TiledFeatures)
    assert all(isinstance(layer, TiledLayer) for layer in ours.encoder.layers)
    assert isinstance(ours.encoder.position.convolution, TiledConvolution)
    left = [name for name, part in ours.named_modules() if isinstance(part, Dense | Convolution)]
    assert left == ["head.last"]


def test_what_the_kernels_do_not_know_stays_with_torch(tmp_path: Path) -> None:
    config = config_of("other-activations")
    ours = load(write(tmp_path, config, network(config)))
    tile(ours, kernels(), THREE_PARTS)
    assert not isinstance(ours.features.first, TiledFeatures)
    assert not any(isinstance(layer, TiledLayer) for layer in ours.encoder.layers)
    products = [name for name, part in ours.encoder.named_modules() if isinstance(part, TiledDense)]
    assert "layers.0.attention.project" in products


def test_exact_takes_two_parts_only_where_they_keep_half_of_the_promise(tmp_path: Path) -> None:
    speech = speech_windows(4, 48_000)
    config = config_of("base")
    directory = write(tmp_path, config, network(config))
    plain, two = load(directory), load(directory)
    tile(two, kernels(), TWO_PARTS)
    with torch.inference_mode():
        expected = plain(torch.from_numpy(speech)).numpy()
        away = difference(two(torch.from_numpy(speech)).numpy(), expected)
    assert not away.within(MARGIN)  # else this network shows nothing
    made = arrange(directory, torch.device("cpu"), "exact", speech, None, Tiles(kernels(), contested=False))
    assert made.says == "float32 on AMX"
    assert difference(made.compute(speech), expected).exact


@pytest.mark.parametrize(
    ("precision", "number", "times", "kept"),
    [
        ("exact", "float32", 1.05, False),
        ("exact", "float32", 1.15, True),
        ("fast", "bfloat16, scores within", 0.95, False),
        ("fast", "bfloat16, scores within", 1.05, True),
    ],
)
def test_torch_computes_where_tiles_are_not_clearly_faster(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: Precision,
    number: str,
    times: float,
    kept: bool,
) -> None:
    speech = speech_windows(4, 48_000)
    directory = common_model(tmp_path, commonness=3.0, **LARGE_HEADS)
    measured: list[Windows] = []

    def gain(before: Compute, after: Compute, windows: Windows) -> float:
        assert score_difference(before(windows), after(windows)) < FAST_PROMISE
        measured.append(windows)
        return times

    monkeypatch.setattr(computing, "gain", gain)
    made = arrange(directory, torch.device("cpu"), precision, speech, None, Tiles(kernels(), contested=True))
    assert len(measured) == 1
    assert measured[0].shape == (1, 48_000)
    assert made.says.startswith(number if not kept else number.partition(",")[0] + " on AMX")
    assert made.says.endswith("(AMX: no gain)") == (not kept)
    assert made.exact == (precision == "exact")


def test_what_is_asked_for_needs_no_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computing, "gain", lambda *_: 0.1)
    config = {**config_of("base"), **LARGE_HEADS}
    directory = write(tmp_path, config, network(config))
    tiles = Tiles(kernels(), contested=False)
    made = arrange(directory, torch.device("cpu"), "exact", speech_windows(4, 48_000), None, tiles)
    assert made.says == "float32 on AMX"


@pytest.mark.parametrize("family", ["base", "large-weighted"])
def test_one_part_is_bfloat16(tmp_path: Path, family: str) -> None:
    config = {**config_of(family), **LARGE_HEADS}
    directory = write(tmp_path, config, network(config))
    plain, ours = load(directory), load(directory)
    tile(ours, kernels(), ONE_PART)
    with torch.inference_mode():
        audio = waves(4, 3.0)
        away = difference(ours(audio).numpy(), plain(audio).numpy())
    assert 1e-5 < away.relative < 5e-2


def test_the_built_in_model_is_as_exact_on_tiles_as_without_them() -> None:
    model = open_model("builtin")
    windows = speech_windows(8, 48_000)
    ours = open_embedder(model, "cpu", threads=1, amx=True)
    theirs = open_embedder(model, "cpu", threads=1, amx=False)
    assert ours.device == "cpu (1 thread), float32 on AMX"
    assert theirs.device == "cpu (1 thread), float32"
    assert ours.model_id == theirs.model_id
    assert difference(ours.embed(windows), theirs.embed(windows)).exact


def test_the_built_in_model_in_bfloat16_on_tiles_is_told_from_exact_by_no_score() -> None:
    model = open_model("builtin")
    windows = speech_windows(8, 48_000)
    exact = open_embedder(model, "cpu", 1, amx=True)
    fast = open_embedder(model, "cpu", 1, "fast", amx=True)
    assert fast.device.startswith("cpu (1 thread), bfloat16 on AMX, scores within 0.00")
    assert score_difference(fast.embed(windows), exact.embed(windows)) < 2 * RESOLUTION
