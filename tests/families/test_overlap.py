"""Two voices at once are heard by a model of frame-wise activity."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from earwitnessd.assemble import open_overlap
from earwitnessd.engines import EmbedError, Shares, Windows, open_embedder, open_overlap_detector
from earwitnessd.engines.frame_activity import UntilLost
from earwitnessd.engines.speech import speech_windows
from earwitnessd.models import Model, ModelError, open_model
from earwitnessd.settings.overlap import Overlap
from earwitnessd.settings.root import Engine, Settings
from tests.families.test_references import transformers_frames
from tests.models.making import write_model

PROBABLE = 0.5


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, torch.nn.Module]:
    folder = tmp_path_factory.mktemp("overlap")
    theirs = transformers_frames(folder / "sd", weighted=True)
    return open_model(str(folder / "sd")), theirs


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def expected_shares(theirs: torch.nn.Module, windows: Windows) -> np.ndarray:
    with torch.inference_mode():
        probable = theirs(torch.from_numpy(windows)).logits.sigmoid() >= PROBABLE
    shares: np.ndarray = probable.all(-1).float().mean(-1).numpy()
    return shares


def test_a_share_is_that_of_the_frames_in_which_transformers_hears_both(
    made: tuple[Model, torch.nn.Module],
) -> None:
    model, theirs = made
    windows = speech_windows(4, 48_000)
    shares = open_overlap_detector(model, "cpu", PROBABLE).shares(windows)
    expected = expected_shares(theirs, windows)
    assert expected.max() - expected.min() > 0.01, "else equality would prove little"
    np.testing.assert_allclose(shares, expected, atol=0.01)  # a frame on the edge may fall to either side
    assert shares.shape == (4,)


def test_a_speaker_counts_from_the_probability_that_is_asked_for(made: tuple[Model, torch.nn.Module]) -> None:
    windows = speech_windows(2, 48_000)
    assert (open_overlap_detector(made[0], "cpu", 1.0).shares(windows) == 0.0).all()
    assert (open_overlap_detector(made[0], "cpu", 1e-9).shares(windows) == 1.0).all()


def test_a_model_that_embeds_detects_no_overlap_and_the_other_way_round(
    tmp_path: Path, made: tuple[Model, torch.nn.Module]
) -> None:
    embedding = open_model(str(write_model(tmp_path / "m")))
    with pytest.raises(EmbedError, match=r"overlap\.model = m: .* expected a model of frame-wise"):
        open_overlap_detector(embedding, "cpu", PROBABLE)
    with pytest.raises(EmbedError, match=r"gives no embedding.*overlap\.model"):
        open_embedder(made[0], "cpu")


def test_a_gpu_that_is_lost_leaves_the_cpu_and_no_window_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    opened = list[int]()

    def broken(_prepared: Windows) -> Shares:
        raise RuntimeError("CUDA error: unspecified launch failure")

    def on_cpu() -> Callable[[Windows], Shares]:
        opened.append(1)
        return lambda prepared: prepared.mean(axis=1)

    compute = UntilLost("cuda:0", broken, on_cpu)
    windows = speech_windows(2, 16_000)
    with caplog.at_level(logging.ERROR):
        np.testing.assert_array_equal(compute(windows), windows.mean(axis=1))
        np.testing.assert_array_equal(compute(windows), windows.mean(axis=1))
    assert caplog.text.count("cuda:0 is lost (CUDA error: unspecified launch failure)") == 1
    assert opened == [1]


def test_the_settings_name_a_detector_or_nobody_looks(
    made: tuple[Model, torch.nn.Module], tmp_path: Path
) -> None:
    assert open_overlap(Settings()) is None
    watch = open_overlap(Settings(overlap=Overlap(model=str(made[0].directory), max_share=0.25)))
    assert watch is not None
    assert watch.max_share == 0.25
    assert watch.detector.shares(speech_windows(1, 32_000)).shape == (1,)
    with pytest.raises(ModelError, match="not on this machine"):
        open_overlap(Settings(overlap=Overlap(model="microsoft/wavlm-base-plus-sd")))


def test_the_detector_may_compute_elsewhere_than_the_engine(made: tuple[Model, torch.nn.Module]) -> None:
    model = str(made[0].directory)
    engine = Engine(device="cuda:99")
    assert open_overlap(Settings(engine=engine, overlap=Overlap(model=model, device="cpu")))
    with pytest.raises(EmbedError, match="cuda"):
        open_overlap(Settings(engine=engine, overlap=Overlap(model=model)))
