"""Each crop is embedded once, at its own length, long ones as the daemon would hear them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from earwitnessd.evaluation.audio import RATE
from earwitnessd.evaluation.embedding import embed_crops, windows_of
from earwitnessd.evaluation.errors import EvaluationError
from earwitnessd.evaluation.trials import Crop, Trial

LIST = Path("trials.txt")


class CountingEmbedder:
    """Embeds a window as its mean and its root mean square; remembers the shapes it was given."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        self.shapes.append(windows.shape)
        vectors = np.stack([windows.mean(1), np.sqrt((windows**2).mean(1))], axis=1)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def write(root: Path, name: str, seconds: float, rate: int = RATE) -> None:
    wave = 0.1 * np.random.default_rng(0).standard_normal(int(seconds * rate)) + 0.1
    soundfile.write(root / name, wave, rate)


def embedded(root: Path, *crops: Crop) -> tuple[dict[Crop, NDArray[np.float32]], float, CountingEmbedder]:
    embed = CountingEmbedder()
    trials = [Trial(True, crops[0], crop, line) for line, crop in enumerate(crops, start=1)]
    vectors, seconds = embed_crops(trials, root, LIST, embed, lambda _done, _total: None)
    return vectors, seconds, embed


def test_a_crop_in_many_trials_is_embedded_once(tmp_path: Path) -> None:
    write(tmp_path, "a.wav", 2)
    crops = [Crop("a.wav", 0, 1), Crop("a.wav", 1, 1), Crop("a.wav", 0, 1)]
    vectors, seconds, embed = embedded(tmp_path, *crops)
    assert len(vectors) == 2
    assert seconds == 2.0
    assert embed.shapes == [(2, RATE)]


def test_windows_step_by_hops_and_the_last_ends_with_the_file() -> None:
    wave = np.arange(int(4.2 * RATE), dtype=np.float32)
    windows = windows_of(wave)
    assert {len(window) for window in windows} == {3 * RATE}
    assert [window[0] / RATE for window in windows] == pytest.approx([0, 0.5, 1.0, 1.2])
    assert windows[-1][-1] == wave[-1]


def test_a_short_crop_keeps_its_length_and_a_very_short_one_is_repeated(tmp_path: Path) -> None:
    write(tmp_path, "a.wav", 2)
    _, _, embed = embedded(tmp_path, Crop("a.wav", 0, 1.25), Crop("a.wav", 0, 0.1))
    assert sorted(embed.shapes) == [(1, 6400), (1, 20000)]


def test_a_long_file_is_the_unit_mean_of_its_windows(tmp_path: Path) -> None:
    write(tmp_path, "a.wav", 4)
    vectors, _, embed = embedded(tmp_path, Crop("a.wav"))
    wave = soundfile.read(tmp_path / "a.wav", dtype="float32")[0]
    mean = embed(np.stack(windows_of(wave))).mean(0)
    np.testing.assert_allclose(vectors[Crop("a.wav")], mean / np.linalg.norm(mean), atol=1e-6)


def test_other_rates_are_resampled(tmp_path: Path) -> None:
    write(tmp_path, "a.wav", 1, rate=8000)
    _, seconds, _ = embedded(tmp_path, Crop("a.wav"))
    assert seconds == 1.0


@pytest.mark.parametrize(
    ("crop", "expected"),
    [
        (Crop("missing.wav"), r"trials\.txt:2: .*missing\.wav: no such file; expected audio"),
        (Crop("text.wav"), r"trials\.txt:2: .*text\.wav: .*expected audio"),
        (Crop("a.wav", 5.0, 1.0), r"trials\.txt:2: .*starts at 5\.0 s; expected a start before 1\.00 s"),
    ],
)
def test_audio_that_cannot_be_read_is_named_with_the_line(crop: Crop, expected: str, tmp_path: Path) -> None:
    write(tmp_path, "a.wav", 1)
    (tmp_path / "text.wav").write_text("this is not audio")
    with pytest.raises(EvaluationError, match=expected):
        embedded(tmp_path, Crop("a.wav"), crop)
