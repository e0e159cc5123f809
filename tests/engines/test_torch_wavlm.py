"""The torch engine against transformers' own pipeline."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import Wav2Vec2FeatureExtractor, WavLMForXVector

from earwitnessd.engines import Embedder, EmbedError, Vectors, Windows, open_embedder
from earwitnessd.engines.devices import default_threads
from earwitnessd.engines.torch_wavlm import CPU_BATCHES, in_halves, in_sizes, normalised
from earwitnessd.models import open_model
from earwitnessd.models.places import BUILTIN_DIRECTORY
from tests.models.making import write_model


def noises(count: int, samples: int = 16_000) -> Windows:
    """Windows that differ in colour, level and offset."""
    random = np.random.default_rng(5)
    windows = random.standard_normal((count, samples)).astype(np.float32)
    for number in range(count):
        windows[number] = np.convolve(windows[number], random.standard_normal(8), mode="same")
    levels = np.logspace(-3, 0, count, dtype=np.float32)[:, np.newaxis]
    return windows * levels + np.float32(0.01)


def opened(directory: Path) -> Embedder:
    return open_embedder(open_model(str(directory)), "cpu", threads=1)


def by_transformers(directory: Path, windows: Windows) -> Vectors:
    extractor = Wav2Vec2FeatureExtractor.from_pretrained(directory)
    network = WavLMForXVector.from_pretrained(directory, dtype=torch.float32).eval()
    with torch.inference_mode():
        inputs = extractor(list(windows), sampling_rate=16_000, return_tensors="pt")
        vectors = torch.nn.functional.normalize(network(inputs.input_values).embeddings, dim=-1)
    return np.asarray(vectors.numpy(), dtype=np.float32)


@pytest.mark.parametrize("normalise", [False, True])
def test_embeddings_equal_those_of_plain_transformers(tmp_path: Path, normalise: bool) -> None:
    directory = write_model(tmp_path / "m", normalise=normalise)
    windows = noises(3)
    np.testing.assert_allclose(
        opened(directory).embed(windows), by_transformers(directory, windows), atol=1e-6
    )


def test_different_audio_gives_different_embeddings(tmp_path: Path) -> None:
    """Else equality would prove nothing."""
    vectors = opened(write_model(tmp_path / "m")).embed(noises(3))
    assert (vectors @ vectors.T)[np.triu_indices(3, 1)].max() < 0.95


def test_normalisation_is_the_feature_extractors_to_the_last_bit() -> None:
    windows = np.concatenate([noises(4, 4000), np.zeros((1, 4000), dtype=np.float32)])
    extractor = Wav2Vec2FeatureExtractor(do_normalize=True)
    expected = extractor(list(windows), sampling_rate=16_000, return_tensors="np").input_values
    np.testing.assert_array_equal(normalised(windows), expected)


def test_rows_are_unit_vectors_in_the_order_of_the_windows(tmp_path: Path) -> None:
    engine, windows = opened(write_model(tmp_path / "m")), noises(4)
    vectors = engine.embed(windows)
    assert vectors.shape == (4, 24)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(engine.embed(windows[::-1])[::-1], vectors, atol=1e-6)


@pytest.mark.parametrize("normalise", [False, True])
def test_an_embedding_does_not_depend_on_its_companions(tmp_path: Path, normalise: bool) -> None:
    engine, windows = opened(write_model(tmp_path / "m", normalise=normalise)), noises(5)
    alone = np.concatenate([engine.embed(window[np.newaxis]) for window in windows])
    np.testing.assert_allclose(engine.embed(windows), alone, atol=1e-5)


def test_a_nan_spoils_its_own_row_alone(tmp_path: Path) -> None:
    engine, windows = opened(write_model(tmp_path / "m", normalise=True)), noises(3)
    expected = engine.embed(windows)
    windows[1, 100] = np.nan
    vectors = engine.embed(windows)
    assert np.isnan(vectors[1]).all()
    np.testing.assert_allclose(vectors[[0, 2]], expected[[0, 2]], atol=1e-5)


def test_silence_gives_a_finite_embedding(tmp_path: Path) -> None:
    engine = opened(write_model(tmp_path / "m", normalise=True))
    assert np.isfinite(engine.embed(np.zeros((1, 16_000), dtype=np.float32))).all()


def test_windows_in_another_memory_layout_embed_the_same(tmp_path: Path) -> None:
    engine, windows = opened(write_model(tmp_path / "m")), noises(2)
    np.testing.assert_allclose(engine.embed(np.asfortranarray(windows)), engine.embed(windows), atol=1e-6)
    read_only = windows[:, ::1].copy()
    read_only.flags.writeable = False
    np.testing.assert_allclose(engine.embed(read_only), engine.embed(windows), atol=1e-6)


def test_a_window_must_be_a_row_of_a_batch(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected \\(batch, samples\\)"):
        opened(write_model(tmp_path / "m")).embed(np.zeros(16_000, dtype=np.float32))


def test_warming_up_computes_the_given_shape(tmp_path: Path) -> None:
    opened(write_model(tmp_path / "m")).warm_up(window_samples=48_000, batch=2)


def test_rows_of_a_batch_larger_than_a_cpu_takes_at_once_stay_in_order(tmp_path: Path) -> None:
    engine, windows = opened(write_model(tmp_path / "m")), noises(2 * max(CPU_BATCHES) + 3)
    expected = np.concatenate([engine.embed(window[np.newaxis]) for window in windows])
    np.testing.assert_allclose(engine.embed(windows), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("count", "sizes"), [(1, [1]), (3, [2, 1]), (7, [4, 2, 1]), (8, [8]), (21, [8, 8, 4, 1]), (0, [0])]
)
def test_a_batch_is_computed_in_few_sizes(count: int, sizes: list[int]) -> None:
    windows = noises(21)[:count]
    parts = list(in_sizes(windows, CPU_BATCHES))
    assert [len(part) for part in parts] == sizes
    np.testing.assert_array_equal(np.concatenate(parts), windows)
    assert [len(part) for part in in_sizes(windows, ())] == [count]


KEPT = """
import ctypes
from earwitnessd.engines import open_embedder
from earwitnessd.engines.speech import speech_windows
from earwitnessd.models import open_model
from earwitnessd.service.memory import resident_mb

def kept_mb():
    ctypes.CDLL(None).malloc_trim(0)
    return resident_mb()

engine = open_embedder(open_model("builtin"), "cpu", threads=1, amx=False)
engine.warm_up(48_000, 1)
windows = speech_windows(12, 48_000)
warm_mb = kept_mb()
for count in range(1, 13):
    engine.embed(windows[:count])
print(kept_mb() - warm_mb)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="measures what the C library gives back")
def test_once_warm_no_size_of_batch_leaves_memory_behind() -> None:
    told = subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, check=True)
    assert float(told.stdout) < 5.0


GREW = """
import resource
import numpy as np
from earwitnessd.engines import open_embedder
from earwitnessd.models import open_model

def most_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

engine = open_embedder(open_model("builtin"), "cpu", threads=1)
engine.warm_up(48_000, 1)
warm_mb = most_mb()
engine.embed(np.random.default_rng(1).standard_normal((64, 48_000)).astype(np.float32))
print(most_mb() - warm_mb)
"""


def test_once_warm_a_cpu_needs_no_more_memory_however_many_windows_are_due() -> None:
    told = subprocess.run([sys.executable, "-c", GREW], capture_output=True, text=True, check=True)
    windows_mb = 64 * 48_000 * 4 / 2**20
    assert float(told.stdout) < 6 * windows_mb


@pytest.mark.parametrize("window_samples", [100, 1600])
def test_windows_too_short_for_the_model_are_refused_at_warm_up(tmp_path: Path, window_samples: int) -> None:
    with pytest.raises(EmbedError, match=r"cannot embed windows of .* set a larger windows\.length_s"):
        opened(write_model(tmp_path / "m")).warm_up(window_samples, batch=1)


def test_an_engine_says_which_model_and_device_it_is(tmp_path: Path) -> None:
    model = open_model(str(write_model(tmp_path / "m")))
    engine = open_embedder(model, "cpu", threads=1)
    assert engine.model_id == model.model_id
    assert engine.device.startswith("cpu (1 thread), float32")


@pytest.mark.parametrize("device", ["toaster", "meta", "cuda:99"])
def test_a_device_that_is_not_there_is_refused_with_what_is_allowed(tmp_path: Path, device: str) -> None:
    model = open_model(str(write_model(tmp_path / "m")))
    with pytest.raises(EmbedError, match=f'device "{device}".*cpu'):
        open_embedder(model, device)


def test_a_model_that_gives_no_numbers_is_refused_at_opening(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m") / "model.safetensors"
    tensors = load_file(path)
    tensors["projector.bias"][0] = torch.inf
    save_file(tensors, path)
    with pytest.raises(EmbedError, match="not numbers"):
        opened(tmp_path / "m")


def test_a_batch_too_large_for_the_gpu_is_computed_in_halves() -> None:
    sizes: list[int] = []

    def small_gpu(windows: Windows) -> Vectors:
        sizes.append(len(windows))
        if len(windows) > 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return windows * 2

    windows = noises(7, 10)
    np.testing.assert_array_equal(in_halves(small_gpu, windows), windows * 2)
    assert sizes == [7, 3, 1, 2, 4, 2, 2]


def test_a_gpu_too_small_for_one_window_is_an_error() -> None:
    def no_gpu(windows: Windows) -> Vectors:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(EmbedError, match="no memory for a single window"):
        in_halves(no_gpu, noises(3, 10))


def test_one_core_is_left_to_the_audio() -> None:
    assert default_threads() >= 1


def test_naming_an_engine_does_not_import_torch() -> None:
    code = (
        "import sys, earwitnessd.engines; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_the_built_in_model_equals_plain_transformers() -> None:
    if not (BUILTIN_DIRECTORY / "model.safetensors").is_file():
        pytest.skip(f"no built-in model in {BUILTIN_DIRECTORY} yet")
    windows = noises(2, 48_000)
    vectors = open_embedder(open_model("builtin"), "cpu", threads=1).embed(windows)
    np.testing.assert_allclose(vectors, by_transformers(BUILTIN_DIRECTORY, windows), atol=1e-6)
