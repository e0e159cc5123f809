"""The settings of a training run, parsed once from YAML and frozen."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from earwitnessd.training.errors import TrainingError


class DataSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which clips are used and how crops are cut from them."""

    exclude: list[str] = []
    # corpora (first component of the speaker name) that are left out
    same_speakers: dict[str, str] = {}
    # corpus → corpus: speakers of equal name in both are one person
    trim_db: float = 0.0
    # above 0: what is so much quieter than a clip's loud parts, pauses that is, is cut out of the pool
    crop_s: tuple[float, float] = (1.5, 4.0)
    # shortest and longest crop; all crops of a step share one length
    speeds: dict[str, float] = msgspec.field(default_factory=lambda: {"1.0": 1.0})
    # playback speed → share of the speakers of a step; each speed of a speaker is a class of its own


class AugmentationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often (0-1) and how strongly crops are degraded."""

    pause: float = 0.0
    # 20-70 % of the crop fades to nearly nothing: people are silent too, and a teacher may have skipped that
    noise: float = 0.0
    snr_db: tuple[float, float] = (3.0, 25.0)
    babble: float = 0.0
    # share of noisy crops whose noise is another speaker of the step, at 8 dB more SNR
    room: float = 0.0
    equaliser: float = 0.0
    # random smooth gain over frequency
    telephone: float = 0.0
    # 50-300 to 3400-4000 Hz, then 8 kHz mu-law, GSM 6.10 or nothing
    band_limit: float = 0.0
    # low-pass at 2.5-7.5 kHz
    opus: float = 0.0
    # a round trip through Opus at 16 kHz
    clip: float = 0.0


class DistillationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much the run follows a teacher's embeddings, when it is given some."""

    cosine: float = 1.0
    # weight of 1 - cosine between our embedding and the teacher's
    similarity: float = 10.0
    # weight of the squared difference between our and the teacher's cosine matrices of a step


class MarginSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The additive-margin softmax over the training speakers."""

    weight: float = 1.0
    scale: float = 30.0
    margin: float = 0.2
    joins: tuple[float, float] = (0.0, 0.1)
    # shares of the run between which the weight grows from 0 to full
    margin_grows: tuple[float, float] = (0.1, 0.4)
    # shares of the run between which the margin grows from 0 to full


class ScheduleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the run lasts and how the learning rate moves; the run ends at the first limit reached."""

    max_steps: int = 0
    # 0: no limit
    max_minutes: float = 0.0
    # wall clock of training itself, 0: no limit; makes the run depend on the machine's speed
    speakers_a_step: int = 32
    crops_a_speaker: int = 2
    peak_learning_rate: float = 1e-3
    matrix_learning_rate: float = 0.0
    # above 0: Muon moves the weights that are matrices, with this peak rate; else AdamW moves everything
    cool_down: float = 0.6
    # share of the run in which the rates fall to lowest_share of their peaks, linearly
    lowest_share: float = 0.01
    warmup_steps: int = 200
    weight_decay: float = 0.02
    ema_decay: float = 0.999
    # the exported weights are an exponential moving average over steps
    checkpoint_minutes: float = 5.0
    dev_minutes: float = 10.0
    dev_trials: int = 1000


class ModelSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is trained: a new network by its WavLMConfig keys, or an existing model."""

    start: str = ""
    # "builtin", a pulled hub name or a directory: a model to fine-tune; empty: a new one
    train_only: Literal["all", "head"] = "all"
    # head: everything after the transformer
    bandpass_bands: int = 0
    # a new network's first layer is so many fixed mel-spaced band-pass filters; 0: random and trained
    bandpass_phases: int = 3
    batch_normalise: bool = True
    # train a new network's head with batch normalisation; the written model holds it folded into its weights
    normalise: bool = True
    # the feature extractor scales each window to zero mean and unit variance
    config: dict[str, Any] = {}


class TrainSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole recipe."""

    model: ModelSettings
    schedule: ScheduleSettings
    data: DataSettings = DataSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    distillation: DistillationSettings = DistillationSettings()
    margin: MarginSettings = MarginSettings()
    seed: int = 0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    # auto: bf16 where it is measured to agree with fp32 and to be faster


def load_settings(path: Path) -> TrainSettings:
    """Read a recipe; an unknown or ill-typed key is an error that names it."""
    try:
        settings = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), TrainSettings)
    except FileNotFoundError:
        raise TrainingError(f"{path}: no such file; expected a training recipe in YAML") from None
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise TrainingError(f"{path}: {error}") from None
    _check(path, settings)
    return settings


def _check(path: Path, settings: TrainSettings) -> None:
    shortest, longest = settings.data.crop_s
    if not 0.5 <= shortest <= longest:
        raise TrainingError(
            f"{path}: data.crop_s = [{shortest}, {longest}]: must be ordered and at least 0.5 s"
        )
    if settings.schedule.max_steps <= 0 and settings.schedule.max_minutes <= 0:
        raise TrainingError(f"{path}: schedule: max_steps or max_minutes must be above 0")
    if bool(settings.model.start) == bool(settings.model.config):
        raise TrainingError(f"{path}: model: give either start (a model to fine-tune) or config (a new one)")
    for speed in settings.data.speeds:
        if not 0.5 <= float(speed) <= 2.0:
            raise TrainingError(f"{path}: data.speeds: {speed}: must be in [0.5, 2]")
