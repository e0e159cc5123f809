"""The rules of the recipe, the pool, augmentation, filters, losses and schedule."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import earwitnessd
from earwitnessd.corpora.surroundings import Surroundings, load_surroundings
from earwitnessd.training.augmentation import Augmenter
from earwitnessd.training.errors import TrainingError
from earwitnessd.training.frontend import bandpass_filters
from earwitnessd.training.losses import MarginHead, TeacherHead
from earwitnessd.training.pool import list_clips, open_pool, without_pauses
from earwitnessd.training.sampling import CropSampler
from earwitnessd.training.schedule import margin, rate_share, share_done
from earwitnessd.training.settings import (
    AugmentationSettings,
    DataSettings,
    DistillationSettings,
    MarginSettings,
    ScheduleSettings,
    load_settings,
)
from earwitnessd.training.teacher import Teacher
from tests.training.recipes import pool_of, tiny_recipe, write_teacher
from tests.training.voices import RATE, utterance, write_speakers

RECIPES = Path(__file__).parents[2] / "configs"


def degraded(settings: AugmentationSettings, waves: np.ndarray, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(1).standard_normal(RATE).astype(np.float32)
    room = np.float32(0.9) ** np.arange(2000, dtype=np.float32)
    surroundings = Surroundings((noise,), (room,))
    return Augmenter(settings, surroundings).degrade(waves, np.random.default_rng(seed)).heard


def voices(count: int, seconds: float = 1.0) -> np.ndarray:
    return np.stack([utterance(speaker, 0, seconds) for speaker in range(count)])


def test_the_shipped_recipe_is_valid_and_leaves_sharealike_out() -> None:
    recipe = load_settings(RECIPES / "train-builtin.yaml")
    assert {"wuw2", "msc_malayalam", "fsdd"} <= set(recipe.data.exclude)
    channels = recipe.model.config["hidden_size"] // recipe.model.config["num_conv_pos_embedding_groups"]
    assert channels % 16 == 0  # else bf16 is silently wrong on some CPUs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("modle: {}", "modle"),
        ("model: {start: x}\nschedule: {max_steps: 0}", "max_steps or max_minutes"),
        ("model: {}\nschedule: {max_steps: 1}", "either start"),
        ("model: {start: x}\nschedule: {max_steps: 1}\ndata: {crop_s: [3, 2]}", "crop_s"),
        ("model: {start: x}\nschedule: {max_steps: many}", r"schedule\.max_steps"),
    ],
)
def test_a_wrong_recipe_is_refused_with_the_key(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(TrainingError, match=expected):
        load_settings(path)


def test_folders_of_speakers_are_a_pool_and_are_decoded_once(tmp_path: Path) -> None:
    root = write_speakers(tmp_path / "data", 3)
    recipe = tiny_recipe()
    pool = pool_of(root, recipe, tmp_path / "cache")
    assert pool.speakers == ["speaker0", "speaker1", "speaker2"]
    first = pool.samples[pool.start[0] : pool.start[0] + pool.length[0]] / 32767
    np.testing.assert_allclose(first, soundfile.read(root / "speaker0/0.wav")[0], atol=1e-4)
    ticks: list[int] = []
    open_pool(root, recipe.data, tmp_path / "cache", lambda done, _total: ticks.append(done))
    assert not ticks


def test_an_index_excludes_corpora_and_merges_speakers_known_twice(tmp_path: Path) -> None:
    rows = ["file\tspeaker\tsession\tstart_s\tdur_s"]
    rows += [f"a.wav\t{name}\ts0\t0.0\t1.0" for name in ("one/1", "two/1", "two/2", "other/9")]
    (tmp_path / "index.tsv").write_text("\n".join(rows))
    clips = list_clips(tmp_path, DataSettings(exclude=["other"], same_speakers={"two": "one"}))
    assert [clip.speaker for clip in clips] == ["one/1", "one/1", "one/2"]


def test_a_folder_without_speakers_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"index\.tsv or at least two folders"):
        list_clips(tmp_path, DataSettings())


def test_a_step_draws_different_clips_of_a_speaker_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    recipe = tiny_recipe()
    pool = pool_of(write_speakers(tmp_path / "data", 5), recipe, tmp_path / "cache")
    sampler = CropSampler(pool, recipe.data, 4, 2)
    first, again = (sampler.draw(np.random.default_rng(3)) for _ in range(2))
    assert first.waves.shape[0] == 8
    assert 0.8 * RATE <= first.waves.shape[1] <= 1.2 * RATE
    assert (first.waves[::2] != first.waves[1::2]).any(axis=1).all()
    assert (first.label[::2] == first.label[1::2]).all()
    assert len(set(first.label)) == 4
    np.testing.assert_array_equal(first.waves, again.waves)


def test_degrading_keeps_length_and_is_repeatable() -> None:
    settings = AugmentationSettings(
        noise=1, babble=0.5, room=1, equaliser=1, telephone=0.5, band_limit=0.5, clip=0.5, opus=0.5
    )
    waves = voices(6)
    result = degraded(settings, waves)
    assert result.shape == waves.shape
    assert np.isfinite(result).all()
    np.testing.assert_array_equal(result, degraded(settings, waves))


def test_a_telephone_passes_nothing_above_4_khz() -> None:
    before = np.random.default_rng(0).standard_normal((4, RATE)).astype(np.float32)
    after = degraded(AugmentationSettings(telephone=1), before)
    power = np.abs(np.fft.rfft(after)) ** 2
    assert power[:, 4100:].sum() < 0.01 * power.sum()  # 1 s of audio: a bin is a hertz


def test_a_pause_leaves_a_faint_noise_and_the_rest_as_it_was() -> None:
    waves = voices(8, seconds=2.0)
    paused = degraded(AugmentationSettings(pause=1), waves)
    level_db = 10 * np.log10(
        (paused**2).reshape(8, -1, 160).mean(2) / (waves**2).mean(1, keepdims=True) + 1e-9
    )
    share = (level_db < -15).mean(axis=1)
    assert share.min() > 0.05
    assert share.max() < 0.8
    assert (np.abs(paused).reshape(8, -1, 160).max(2) > 0).all()  # never digital silence


def test_noise_has_the_asked_ratio() -> None:
    waves = voices(4)
    added = degraded(AugmentationSettings(noise=1, snr_db=(10, 10)), waves) - waves
    ratio_db = 10 * np.log10((waves**2).mean(1) / (added**2).mean(1))
    np.testing.assert_allclose(ratio_db, 10, atol=0.2)


def test_surroundings_tell_rooms_from_noise_by_folder(tmp_path: Path) -> None:
    for name in ("rir_small/a.wav", "street/b.wav"):
        (tmp_path / name).parent.mkdir()
        soundfile.write(tmp_path / name, np.array([0.0, 0.5, 0.25, 0.1]), RATE)
    found = load_surroundings(tmp_path)
    assert len(found.noises) == 1
    np.testing.assert_allclose(found.rooms[0], [1, 0.5, 0.2], atol=1e-3)


def test_filters_answer_most_to_their_own_frequency() -> None:
    bands, phases, taps = 16, 3, 400
    filters = bandpass_filters(bands, phases, taps)
    assert filters.shape == (bands * phases, taps)
    peaks = np.abs(np.fft.rfft(filters, 16000)).argmax(axis=1).reshape(phases, bands)  # a bin is a hertz
    assert (np.diff(peaks) > 0).all()
    assert (np.ptp(peaks, axis=0) <= 5).all()


def test_three_rectified_phases_add_up_to_the_same_wherever_a_frame_falls() -> None:
    filters = bandpass_filters(8, 3, 400)
    time = np.arange(3000) / RATE
    centre = np.abs(np.fft.rfft(filters[5], 16000)).argmax()
    tone = np.sin(2 * np.pi * centre * time)
    frames = np.lib.stride_tricks.sliding_window_view(tone, 400)[::7]
    sums = np.maximum(0, frames @ filters[5::8].T).sum(axis=1)
    assert sums.min() > 0.8 * sums.max()


def test_a_margin_makes_the_right_class_harder() -> None:
    torch.manual_seed(0)
    head = MarginHead(8, 5, scale=10)
    unit = torch.nn.functional.normalize(torch.randn(4, 8))
    labels = torch.tensor([0, 1, 2, 3])
    assert head(unit, labels, 0.2) > head(unit, labels, 0.0)


def test_distillation_is_zero_where_student_and_teacher_agree() -> None:
    head = TeacherHead(4, 4, DistillationSettings())
    unit = torch.nn.functional.normalize(torch.randn(6, 4))
    assert head(unit, unit).item() == pytest.approx(0, abs=1e-5)
    assert head(unit, unit.flip(0)).item() > 0.01


def test_a_teacher_of_another_size_is_met_by_a_linear_map() -> None:
    head = TeacherHead(4, 3, DistillationSettings())
    assert head.map(torch.zeros(2, 4)).shape == (2, 3)


def test_targets_are_unit_vectors_about_the_centre_of_what_was_heard(tmp_path: Path) -> None:
    teacher = Teacher(write_teacher(tmp_path / "teacher.pt", 6), torch.device("cpu"))
    waves = np.random.default_rng(0).standard_normal((40, 2000)).astype(np.float32)
    apart = teacher.targets(waves) @ teacher.targets(waves).T
    teacher.find_centre([waves[:20], waves[20:]])
    targets = teacher.targets(waves)
    assert teacher.dimensions == targets.shape[1] == 6
    np.testing.assert_allclose(targets.norm(dim=1), 1, rtol=1e-5)
    assert apart.mean() > 0.5
    assert (targets @ targets.T).mean() < 0.1


@pytest.mark.parametrize("content", [None, b"not a network"])
def test_a_teacher_that_cannot_be_loaded_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "teacher.pt"
    if content:
        path.write_bytes(content)
    with pytest.raises(TrainingError, match=r"teacher\.pt: .*expected a TorchScript file"):
        Teacher(path, torch.device("cpu"))


def test_pauses_are_cut_out_of_the_pool() -> None:
    second = (8000 * np.sin(np.arange(RATE))).astype(np.int16)
    quiet = second // 100
    kept = without_pauses(np.concatenate([quiet, second, quiet, second]), trim_db=30)
    assert 2 * RATE < len(kept) < 2.5 * RATE
    assert np.array_equal(without_pauses(kept, trim_db=0), kept)


def test_a_teacher_hears_the_channel_but_no_noise_and_no_pauses() -> None:
    waves = voices(4, 1.0)

    def plain(settings: AugmentationSettings) -> np.ndarray:
        return Augmenter(settings, Surroundings()).degrade(waves, np.random.default_rng(0)).plain

    np.testing.assert_array_equal(plain(AugmentationSettings(noise=1, pause=1, clip=1, opus=1)), waves)
    assert np.abs(plain(AugmentationSettings(telephone=1)) - waves).max() > 0.01


def test_the_schedule_ends_by_whichever_limit_comes_first() -> None:
    limits = ScheduleSettings(max_steps=100, max_minutes=10, warmup_steps=10, cool_down=0.5)
    assert share_done(limits, 50, 1.0) == 0.5
    assert share_done(limits, 10, 9.0) == 0.9
    assert share_done(limits, 100, 0.0) == 1.0
    assert rate_share(limits, 4, 0.0) == 0.5
    assert rate_share(limits, 40, 0.4) == 1.0
    assert rate_share(limits, 75, 0.75) == pytest.approx(0.5)
    assert rate_share(limits, 100, 1.0) == limits.lowest_share
    assert margin(MarginSettings(margin=0.2, margin_grows=(0.0, 0.5)), 0.25) == pytest.approx(0.1)


def test_nothing_but_the_train_command_imports_training() -> None:
    root = Path(earwitnessd.__file__).parent
    importers = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if any(name.startswith("earwitnessd.training") for name in names):
                importers.add(path.relative_to(root).as_posix())
    assert {name for name in importers if not name.startswith("training/")} == {"cli/train.py"}
