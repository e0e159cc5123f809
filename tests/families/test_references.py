"""Every family gives what its reference gives, however many recordings there are and however it computes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import WavLMConfig, WavLMForAudioFrameClassification, WavLMModel

from earwitnessd.engines import open_embedder
from earwitnessd.engines.checkpoint import load
from earwitnessd.engines.exactness import difference
from earwitnessd.engines.families import convert_checkpoint
from earwitnessd.engines.network import Network
from earwitnessd.engines.packing import pack
from earwitnessd.engines.plain import PlainNetwork
from earwitnessd.engines.precision import FAST_PROMISE, lower, score_difference
from earwitnessd.engines.speech import speech_windows
from earwitnessd.models import Model
from earwitnessd.models.families import Family
from earwitnessd.models.verify import verified_model
from tests.engines.families import SMALL, network, write
from tests.families.recorded import NAMES, audio, recorded

WITHIN = 1e-5
EVERY_TWELFTH = 12  # frame was recorded
EMBEDDING = [name for name in NAMES if not name.startswith("microsoft")]


def taken_in(source: Path, target: Path) -> Model:
    target.mkdir()
    convert_checkpoint(source, target, {})
    return verified_model(target, source.stem)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    folder = tmp_path_factory.mktemp("families")
    return {
        name: taken_in(recorded(name).write(folder / f"{name}.pt"), folder / f"taken-in-{name}")
        for name in NAMES
    }


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    return difference(found.reshape(len(found), -1), expected.reshape(len(expected), -1)).relative


@pytest.mark.parametrize("name", EMBEDDING)
def test_embeddings_are_those_of_the_reference(models: dict[str, Model], name: str) -> None:
    plain, expected = PlainNetwork(models[name]), recorded(name).expected
    assert relative(np.stack([plain.vector(wave) for wave in audio()]), expected) < WITHIN
    unit = open_embedder(models[name], "cpu", threads=1).embed(audio())
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    assert relative(unit, expected / lengths) < WITHIN
    assert np.corrcoef(expected).min() < 0.999, "else equality would prove little"


@pytest.mark.parametrize("name", ["microsoft-base", "microsoft-large"])
def test_frames_of_a_bare_wavlm_are_those_of_the_reference(models: dict[str, Model], name: str) -> None:
    plain = PlainNetwork(models[name])
    frames = np.stack([plain.frames(wave) for wave in audio()])
    assert relative(frames[:, ::EVERY_TWELFTH], recorded(name).expected) < WITHIN
    mean = frames.mean(axis=1)
    unit = open_embedder(models[name], "cpu", threads=1).embed(audio())
    assert relative(unit, mean / np.linalg.norm(mean, axis=1, keepdims=True)) < WITHIN


def test_microsofts_own_normalisation_is_used_where_its_settings_ask_for_it(models: dict[str, Model]) -> None:
    base, large = models["microsoft-base"], models["microsoft-large"]
    assert (base.normalise, large.normalise) == (False, True)
    assert large.normalise_epsilon == 1e-5, "that of a layer norm, not of transformers' feature extractor"


@pytest.mark.parametrize("name", NAMES)
def test_an_embedding_does_not_depend_on_its_companions(models: dict[str, Model], name: str) -> None:
    engine, windows = open_embedder(models[name], "cpu", threads=1), speech_windows(5, 16_000)
    alone = np.concatenate([engine.embed(window[np.newaxis]) for window in windows])
    np.testing.assert_allclose(engine.embed(windows), alone, atol=2e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_nan_spoils_its_own_row_alone(models: dict[str, Model], name: str) -> None:
    engine, windows = open_embedder(models[name], "cpu", threads=1), speech_windows(3, 16_000)
    expected = engine.embed(windows)
    windows[1, 8000] = np.nan
    vectors = engine.embed(windows)
    assert np.isnan(vectors[1]).all()
    np.testing.assert_allclose(vectors[[0, 2]], expected[[0, 2]], atol=2e-6)


@pytest.mark.parametrize("name", NAMES)
def test_packed_products_keep_the_promise_of_float32(models: dict[str, Model], name: str) -> None:
    plain, packed = load(models[name].directory), load(models[name].directory)
    assert pack(packed)
    windows = torch.from_numpy(speech_windows(2, 24_000))
    with torch.inference_mode():
        assert difference(packed(windows).numpy(), plain(windows).numpy()).exact


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_keeps_its_promise_or_is_told_from_exact(models: dict[str, Model], name: str) -> None:
    exact, lowered = load(models[name].directory), lower(load(models[name].directory))
    windows = torch.from_numpy(speech_windows(4, 24_000))
    with torch.inference_mode():
        off = score_difference(lowered(windows).float().numpy(), exact(windows).numpy())
    assert 0.0 < off < FAST_PROMISE


@pytest.mark.parametrize("name", NAMES)
def test_windows_too_short_for_two_frames_are_refused(models: dict[str, Model], name: str) -> None:
    with pytest.raises(RuntimeError, match="two are needed"):
        load(models[name].directory)(torch.zeros(1, 500))


def transformers_frames(directory: Path, *, weighted: bool) -> WavLMForAudioFrameClassification:
    config = {**SMALL, "use_weighted_layer_sum": weighted, "architectures": [Family.FRAMES.value]}
    made = WavLMForAudioFrameClassification(WavLMConfig(**config)).eval()
    made.wavlm.load_state_dict(network(SMALL).wavlm.state_dict())
    with torch.no_grad():
        made.classifier.weight.normal_(0.0, 0.3)
        if weighted:
            made.layer_weights.normal_()
    write(directory, config, made)
    return made


@pytest.mark.parametrize("weighted", [False, True])
def test_frame_wise_activity_is_that_of_transformers(tmp_path: Path, weighted: bool) -> None:
    theirs = transformers_frames(tmp_path / "theirs", weighted=weighted)
    ours = load(taken_in(tmp_path / "theirs", tmp_path / "ours").directory)
    windows = torch.from_numpy(speech_windows(3, 32_000))
    with torch.inference_mode():
        expected = theirs(windows).logits
        assert relative(ours(windows).numpy(), expected.numpy()) < WITHIN
    assert isinstance(ours, Network)
    assert ours.vector_size == expected.shape[2] == 2


@pytest.mark.parametrize("stable", [False, True])
def test_transformers_bare_wavlm_gives_its_frames(tmp_path: Path, stable: bool) -> None:
    norm = "layer" if stable else "group"
    config = {**SMALL, "do_stable_layer_norm": stable, "feat_extract_norm": norm}
    theirs = WavLMModel(WavLMConfig(**config)).eval()
    theirs.load_state_dict(network(config).wavlm.state_dict())
    write(tmp_path / "theirs", {**config, "architectures": ["WavLMModel"]}, theirs)
    model = taken_in(tmp_path / "theirs", tmp_path / "ours")
    windows = speech_windows(2, 32_000)
    with torch.inference_mode():
        expected = theirs(torch.from_numpy(windows)).last_hidden_state.numpy()
    plain = PlainNetwork(model)
    assert relative(np.stack([plain.frames(wave) for wave in windows]), expected) < WITHIN


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
