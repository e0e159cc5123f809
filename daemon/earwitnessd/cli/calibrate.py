"""`earwitnessd calibrate`: from cosines to evidence, fitted to your own recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earwitnessd.cli.options import ROOT, TRIALS, ConfigOption, ModelOption, SetOption
from earwitnessd.cli.progress import progress

if TYPE_CHECKING:
    from earwitnessd.assemble import Engine
    from earwitnessd.calibration import Cohort
    from earwitnessd.fitting.make import Made

FAILED = 1
COHORT_SPEAKERS = 800


def calibrate(
    trials: Annotated[Path, typer.Argument(help=TRIALS)],
    root: Annotated[Path, typer.Option(help=ROOT)],
    model: ModelOption = None,
    cohort: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="other people: <speaker>/*.wav or with an index.tsv; default: the model's own cohort",
            show_default=False,
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="CORPUS", help="leave these speakers out of the cohort", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="where it is laid; default: where the daemon looks for your own",
            show_default=False,
        ),
    ] = None,
    about: Annotated[str, typer.Option(help="describe the recordings, for people")] = "",
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Fit score normalisation and calibration to recordings whose speakers you know, and measure them.

    The daemon then decides by evidence and target false-match rates instead of a cosine: at its next start,
    or at `earwitness reload`. Record as you will listen: same microphones, same rooms.
    """
    from datetime import UTC, datetime

    from earwitnessd.assemble import calibration_directory, open_engine
    from earwitnessd.calibration import CalibrationError
    from earwitnessd.calibration.files import write_calibrator
    from earwitnessd.corpora.errors import CorpusError
    from earwitnessd.engines import EmbedError
    from earwitnessd.evaluation.errors import EvaluationError
    from earwitnessd.fitting.make import make_calibration
    from earwitnessd.models import ModelError
    from earwitnessd.settings.load import load
    from earwitnessd.settings.validate import SettingsError

    target = output or calibration_directory()
    try:
        settings = load(config, [*(overrides or []), *([f"model={model}"] if model else [])])
        engine = open_engine(settings, steady=True)
        strangers, whose = _cohort(engine, cohort, exclude or [])
        with progress("listening to the trials") as tick:
            made = make_calibration(
                trials,
                root,
                settings,
                strangers,
                engine.embedder.embed,
                about=f"{about or trials}; cohort: {whose}",
                today=datetime.now(UTC).date().isoformat(),
                tick=tick,
            )
        write_calibrator(target, made.cohort, made.calibration)
    except (
        CalibrationError,
        CorpusError,
        EvaluationError,
        ModelError,
        EmbedError,
        SettingsError,
        OSError,
    ) as error:
        typer.echo(f"earwitnessd calibrate: {error}", err=True)
        raise typer.Exit(FAILED) from None
    typer.echo(_described(made, target))


def _cohort(engine: Engine, folder: Path | None, exclude: list[str]) -> tuple[Cohort, str]:
    """The strangers to compare with, and whose voices they are."""
    from earwitnessd.calibration import CalibrationError
    from earwitnessd.calibration.files import COHORT, read_cohort
    from earwitnessd.fitting.strangers import make_cohort, some_of, speakers_in

    model, embedder = engine.model, engine.embedder
    if folder is not None:
        chosen = some_of(speakers_in(folder, exclude), COHORT_SPEAKERS)
        with progress("listening to the cohort") as tick:
            made = make_cohort(folder, chosen, embedder.model_id, embedder.embed, tick)
        return made, f"{len(made.vectors)} speakers of {folder.resolve().name}"
    if not (model.directory / COHORT).exists():
        raise CalibrationError(
            f"the model {model.name} has no cohort: give --cohort FOLDER with recordings of some hundred "
            "people, the more like yours in language and microphone the better"
        )
    found = read_cohort(model.directory / COHORT, embedder.model_id)
    return found, f"the model's, {len(found.vectors)} speakers"


def _described(made: Made, directory: Path) -> str:
    calibration, figures = made.calibration, made.calibration.figures
    lines = [
        f"{figures.trials} trials ({figures.targets} of the same speaker) of {figures.speakers} speakers; "
        f"{made.unheard} left out: too little speech",
        "on speakers that it was not fitted on: "
        f"EER {figures.eer:.1%}, Cllr {figures.cllr:.3f} (at best {figures.min_cllr:.3f})",
        f"windows that share no audio agree by {calibration.window_correlation:.2f}",
        "nats to reach for a target false-match rate, over a recording (by Wald's bound at most):",
    ]
    for rate in (1e-1, 1e-2, 1e-3):
        guess = "" if rate >= made.fitted.lowest_fmr else ", a guess: too few trials to say"
        lines.append(f"  {rate:g}: {calibration.turns.accept(rate, 0.05):.2f}{guess}")
    return "\n".join([*lines, f"written to {directory}"])
