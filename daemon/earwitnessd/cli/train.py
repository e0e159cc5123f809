"""`earwitnessd train`: train or fine-tune a speaker model on folders of speakers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import torch

    from earwitnessd.training.loop import DevError

DEV_TRIALS_SEED = 0
DEV_HOP_S = 1.5
# coarser than the daemon's, because this only watches the trend


def train(
    config: Annotated[Path, typer.Option(help="recipe (YAML)")],
    data: Annotated[Path, typer.Option(help="folder with <speaker>/*.wav, or with an index.tsv")],
    output: Annotated[Path, typer.Option(help="checkpoint and model are written here")] = Path("trained"),
    teacher: Annotated[Path | None, typer.Option(help="TorchScript file of a model to learn from")] = None,
    noise: Annotated[Path | None, typer.Option(help="folder of noise; impulse responses in rir*/")] = None,
    dev_trials: Annotated[Path | None, typer.Option(help="trial list to report the EER of")] = None,
    dev_root: Annotated[Path | None, typer.Option(help="folder of the trial list's audio")] = None,
    cache: Annotated[Path, typer.Option(help="decoded audio is kept here")] = Path(
        "~/.cache/earwitness/pools"
    ),
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    threads: Annotated[int, typer.Option(help="CPU threads, 0: as many as torch likes")] = 0,
) -> None:
    """Train or fine-tune a WavLMForXVector; run again with the same output to go on where it stopped."""
    try:
        import torch

        from earwitnessd.corpora import surroundings
        from earwitnessd.corpora.errors import CorpusError
        from earwitnessd.evaluation.errors import EvaluationError
        from earwitnessd.training import augmentation, loop, pool, sampling, settings
        from earwitnessd.training.display import TrainingDisplay
        from earwitnessd.training.errors import TrainingError
        from earwitnessd.training.teacher import Teacher
    except ModuleNotFoundError as error:
        raise typer.BadParameter(f"{error.name} is missing; pip install 'earwitness[train]'") from None
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if threads:
        torch.set_num_threads(threads)
    try:
        recipe = settings.load_settings(config)
        with TrainingDisplay() as display:
            clips = pool.open_pool(data, recipe.data, cache.expanduser(), display.decoding)
            schedule = recipe.schedule
            sampler = sampling.CropSampler(
                clips, recipe.data, schedule.speakers_a_step, schedule.crops_a_speaker
            )
            where = _device(device)
            master = Teacher(teacher, where) if teacher else None
            augmenter = augmentation.Augmenter(
                recipe.augmentation,
                surroundings.load_surroundings(noise) if noise else surroundings.Surroundings(),
            )
            trainer = loop.Trainer(recipe, sampler, augmenter, master, output, where)
            done = trainer.resume()
            display.say(
                f"{len(clips.speakers)} speakers, {len(clips.length)} clips, "
                f"{clips.length.sum() / pool.RATE / 3600:.1f} h"
                + (f"; going on after step {done}" if done else "")
            )
            dev = _dev_error(dev_trials, dev_root, schedule.dev_trials) if dev_trials and dev_root else None
            trainer.run(dev, display.progress)
            display.say(f"model written to {output / 'model'}")
    except (TrainingError, CorpusError, EvaluationError) as error:
        typer.echo(f"earwitnessd train: {error}", err=True)
        raise typer.Exit(1) from None


def _device(name: str) -> torch.device:
    import torch

    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


def _dev_error(listing: Path, root: Path, count: int) -> DevError:
    """The EER over a fixed sample of a trial list."""
    import numpy as np

    from earwitnessd.evaluation import embedding, metrics
    from earwitnessd.evaluation import trials as lists

    every = lists.load_trials(listing)
    random = np.random.default_rng(DEV_TRIALS_SEED)
    chosen = [every[index] for index in random.permutation(len(every))[:count]]

    def dev_error(embed: embedding.Embed) -> float:
        vectors, _ = embedding.embed_crops(
            chosen, root, listing, embed, lambda _done, _total: None, hop_s=DEV_HOP_S
        )
        scores = np.array(
            [vectors[trial.enrolment] @ vectors[trial.test] for trial in chosen], dtype=np.float64
        )
        return metrics.equal_error_rate(scores, np.array([trial.target for trial in chosen]))

    return dev_error
