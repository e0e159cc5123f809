"""Torch serves at once; another backend takes over only if it is asked for, gives the same and is faster."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from earwitnessd.engines import EmbedError, Vectors, Windows, open_embedder
from earwitnessd.engines.checkpoint import load
from earwitnessd.engines.compiled_backend import Compiled, compiler_missing
from earwitnessd.engines.computing import computing
from earwitnessd.engines.devices import lacks_bfloat16
from earwitnessd.engines.exactness import difference
from earwitnessd.engines.opaque import hide_products
from earwitnessd.engines.openvino_backend import OpenVINO, openvino_missing
from earwitnessd.engines.packing import PackedConvolution, PackedDense, pack
from earwitnessd.engines.speech import speech_windows
from earwitnessd.engines.torch_wavlm import TorchWavLM
from earwitnessd.engines.upgrading import Upgrading
from earwitnessd.models import open_model
from earwitnessd.native.cache import cache_directory
from tests.engines.families import config_of, network, write
from tests.engines.test_precision import model as common_model

WITHIN_S = 60.0
SPEECH = speech_windows(3, 16_000)
COMPILER_WARNS = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
# of its own insides


def summed(work: int) -> Callable[[Windows], Vectors]:
    """Vectors that any machine computes alike, and more work for nothing."""

    def compute(windows: Windows) -> Vectors:
        for _ in range(work):
            np.sort(windows, axis=1)
        return np.stack([windows.mean(1), windows.std(1)], 1)

    return compute


class Fake:
    """A contender that is built when it is let."""

    name = "a fake"

    def __init__(self, compute: Callable[[Windows], Vectors] | None, *, held: bool = False) -> None:
        self.compute = compute
        self.may_build = threading.Event()
        self.used = 0
        if not held:
            self.may_build.set()

    def build(self, samples: int) -> Callable[[Windows], Vectors]:
        assert self.may_build.wait(WITHIN_S)
        if self.compute is None:
            raise RuntimeError("cannot be built here")
        plain = self.compute

        def counted(windows: Windows) -> Vectors:
            self.used += 1
            return plain(windows)

        return counted


def test_the_first_serves_until_another_proved_equal_and_faster(caplog: pytest.LogCaptureFixture) -> None:
    quick = Fake(summed(0), held=True)
    compute = Upgrading(summed(30), [quick])
    with caplog.at_level(logging.INFO):
        compute.start(SPEECH)
        before = compute(SPEECH)
        assert quick.used == 0
        quick.may_build.set()
        assert compute.wait(WITHIN_S)
    used = quick.used
    np.testing.assert_array_equal(compute(SPEECH), before)
    assert quick.used == used + 1
    assert "a fake computes from now on" in caplog.text


def test_windows_of_another_length_are_computed_as_at_the_beginning() -> None:
    quick = Fake(summed(0))
    compute = Upgrading(summed(30), [quick])
    compute.start(SPEECH)
    assert compute.wait(WITHIN_S)
    used = quick.used
    compute(SPEECH[:, :8000])
    assert quick.used == used


def test_what_is_slower_does_not_take_over_unless_it_was_asked_for() -> None:
    for least_gain, takes_over in ((1.05, False), (0.0, True)):
        slow = Fake(summed(30))
        compute = Upgrading(summed(0), [slow], least_gain)
        compute.start(SPEECH)
        assert compute.wait(WITHIN_S)
        used = slow.used
        compute(SPEECH)
        assert (slow.used > used) == takes_over


def test_what_differs_never_takes_over(caplog: pytest.LogCaptureFixture) -> None:
    wrong = Fake(lambda windows: summed(0)(windows) * np.float32(1.001))
    compute = Upgrading(summed(30), [wrong], least_gain=0.0)
    compute.start(SPEECH)
    assert compute.wait(WITHIN_S)
    used = wrong.used
    compute(SPEECH)
    assert wrong.used == used
    assert "a fake is off by 1.0e-03, and not used" in caplog.text


def test_what_cannot_be_built_leaves_the_others_in_the_race(caplog: pytest.LogCaptureFixture) -> None:
    quick = Fake(summed(0))
    compute = Upgrading(summed(30), [Fake(None), quick])
    compute.start(SPEECH)
    assert compute.wait(WITHIN_S)
    used = quick.used
    compute(SPEECH)
    assert quick.used == used + 1
    assert "cannot be built here" in caplog.text


@pytest.mark.parametrize("which", ["openvino", "compiled"])
def test_a_backend_for_another_precision_or_device_is_refused(tmp_path: Path, which: str) -> None:
    if lacking := lacks_bfloat16(torch.device("cpu")):
        pytest.skip(f"{lacking}: fast is exact then, which every backend computes")
    opened = open_model(str(common_model(tmp_path / "m", commonness=3.0)))
    with pytest.raises(EmbedError, match=f"engine.backend = {which}: only for device: cpu"):
        open_embedder(opened, "cpu", 1, "fast", which)  # type: ignore[arg-type] # one of the names


def test_openvino_that_is_not_installed_says_what_to_install(tmp_path: Path) -> None:
    if openvino_missing() is None:
        pytest.skip("OpenVINO is installed here")
    opened = open_model(str(write(tmp_path / "m", config_of("base"), network(config_of("base")))))
    with pytest.raises(EmbedError, match=r"pip install 'earwitness\[openvino\]'.*set engine.backend: torch"):
        open_embedder(opened, "cpu", 1, "exact", "openvino")


@pytest.mark.parametrize("family", ["base", "large-weighted", "like-the-built-in", "odd"])
def test_openvino_gives_what_torch_gives_in_batches_of_any_size(tmp_path: Path, family: str) -> None:
    if missing := openvino_missing():
        pytest.skip(missing)

    directory = write(tmp_path / "m", config_of(family), network(config_of(family)))
    plain = computing(load(directory), torch.device("cpu"))
    for _ in range(2):  # converted, and from the cache
        compute = OpenVINO(directory, "m", 1, tmp_path / "cache").build(48_000)
        for count in (1, 3, 16):
            windows = speech_windows(count, 48_000)
            assert difference(compute(windows), plain(windows)).exact


@pytest.mark.parametrize("family", ["base", "like-the-built-in"])
def test_hidden_products_compute_what_they_did(tmp_path: Path, family: str) -> None:
    directory = write(tmp_path / "m", config_of(family), network(config_of(family)))
    packed = load(directory)
    if not pack(packed):
        pytest.skip("this torch has no packed products")
    window = speech_windows(1, 48_000)
    expected = computing(packed, torch.device("cpu"))(window)
    hide_products(packed, torch.zeros(1, 48_000))
    assert not [part for part in packed.modules() if isinstance(part, PackedDense | PackedConvolution)]
    np.testing.assert_array_equal(computing(packed, torch.device("cpu"))(window), expected)


@pytest.mark.slow
@COMPILER_WARNS
@pytest.mark.parametrize("family", ["base", "like-the-built-in"])
def test_a_compiled_network_gives_what_torch_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    if missing := compiler_missing():
        pytest.skip(missing)
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "inductor"))
    directory = write(tmp_path / "m", config_of(family), network(config_of(family)))
    plain = computing(load(directory), torch.device("cpu"))
    compute = Compiled(directory, tmp_path / "cache").build(48_000)
    for count in (1, 3):
        windows = speech_windows(count, 48_000)
        assert difference(compute(windows), plain(windows)).exact


@pytest.mark.slow
@COMPILER_WARNS
def test_a_compiled_network_takes_over_and_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if missing := compiler_missing():
        pytest.skip(missing)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    opened = open_model(str(write(tmp_path / "m", config_of("base"), network(config_of("base")))))
    engine = open_embedder(opened, "cpu", 1, "exact", "compiled")
    assert isinstance(engine, TorchWavLM)
    windows = speech_windows(2, 48_000)
    before = engine.embed(windows[:1])
    caplog.set_level(logging.INFO)
    engine.warm_up(48_000, 1)
    assert engine.wait_for_backend(100.0)
    assert "compiled torch float32 computes from now on" in caplog.text
    np.testing.assert_allclose(engine.embed(windows[:1]), before, atol=1e-6)


def test_what_was_built_is_kept_where_the_system_keeps_such_things() -> None:
    assert cache_directory({"CACHE_DIRECTORY": "/c:/d", "STATE_DIRECTORY": "/s"}) == Path("/c")
    assert cache_directory({"STATE_DIRECTORY": "/s"}) == Path("/s/cache")
    assert cache_directory({"XDG_CACHE_HOME": "/x"}) == Path("/x/earwitness")
    assert cache_directory({}).parts[-2:] == (".cache", "earwitness")
