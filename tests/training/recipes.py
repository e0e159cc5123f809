"""A recipe small enough for a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from earwitnessd.corpora.surroundings import Surroundings
from earwitnessd.training.augmentation import Augmenter
from earwitnessd.training.loop import Trainer
from earwitnessd.training.pool import Pool, open_pool
from earwitnessd.training.sampling import CropSampler
from earwitnessd.training.settings import (
    AugmentationSettings,
    DataSettings,
    ModelSettings,
    ScheduleSettings,
    TrainSettings,
)
from earwitnessd.training.teacher import Teacher

TINY: dict[str, Any] = {
    "conv_dim": [24, 32],
    "conv_kernel": [400, 5],
    "conv_stride": [160, 2],
    "conv_bias": True,
    "feat_extract_norm": "layer",
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "hidden_dropout": 0.1,
    "layerdrop": 0.0,
    "mask_time_prob": 0.0,
    "tdnn_dim": [32, 32],
    "tdnn_kernel": [3, 1],
    "tdnn_dilation": [1, 1],
    "xvector_output_dim": 16,
}


def tiny_recipe(steps: int = 20, model: ModelSettings | None = None) -> TrainSettings:
    """Steps of 4 speakers and 2 crops, with every kind of degradation."""
    return TrainSettings(
        model=model or ModelSettings(config=TINY, bandpass_bands=8, bandpass_phases=3),
        schedule=ScheduleSettings(
            max_steps=steps,
            speakers_a_step=4,
            warmup_steps=2,
            peak_learning_rate=3e-3,
            matrix_learning_rate=3e-3,
        ),
        data=DataSettings(crop_s=(0.8, 1.2), speeds={"1.0": 0.5, "0.9": 0.5}),
        augmentation=AugmentationSettings(
            noise=0.5, babble=0.3, equaliser=0.3, telephone=0.3, band_limit=0.3, clip=0.2, opus=0.2
        ),
        seed=7,
        precision="fp32",
    )


def pool_of(root: Path, recipe: TrainSettings, cache: Path) -> Pool:
    return open_pool(root, recipe.data, cache, lambda _done, _total: None)


class Spectrum(torch.nn.Module):
    """A teacher that hears how loud each of some frequencies is."""

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.dimensions = dimensions

    def forward(self, waves: torch.Tensor) -> torch.Tensor:
        spectrum: torch.Tensor = torch.fft.rfft(waves[:, :1600]).abs()
        return spectrum[:, 10 : 10 + self.dimensions]


def write_teacher(path: Path, dimensions: int) -> Path:
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        scripted: Any = torch.jit.script(Spectrum(dimensions))
    scripted.save(str(path))
    return path


def tiny_trainer(recipe: TrainSettings, pool: Pool, output: Path, teacher: Teacher | None = None) -> Trainer:
    schedule = recipe.schedule
    sampler = CropSampler(pool, recipe.data, schedule.speakers_a_step, schedule.crops_a_speaker)
    augmenter = Augmenter(recipe.augmentation, Surroundings())
    return Trainer(recipe, sampler, augmenter, teacher, output, torch.device("cpu"))
