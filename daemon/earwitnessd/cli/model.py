"""`earwitnessd model`: fetch models, take in checkpoints, and look at them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from earwitnessd.models import Model
    from earwitnessd.models.record import Record

app = typer.Typer(help="Fetch models, take in checkpoints, and look at them.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="org/name on the hub, such as microsoft/wavlm-base-plus-sv")]
To = Annotated[
    Path | None,
    typer.Option("--to", help="the model's own directory; default: among this machine's pulled models"),
]
Revision = Annotated[str, typer.Option(help="branch, tag or commit")]
AnyName = Annotated[str, typer.Argument(help='"builtin", a directory, or org/name of a pulled model')]


@app.command("pull")
def pull_command(name: Name, to: To = None, revision: Revision = "main") -> None:
    """Fetch a model, convert it to safetensors, and record its revision and SHA-256."""
    from earwitnessd.engines.checkpoint import convert
    from earwitnessd.models import ModelError
    from earwitnessd.models.pull import pull

    try:
        model = pull(name, convert=convert, to=to, revision=revision)
    except ModelError as error:
        _fail(error)
    typer.echo(_describe(model))


@app.command("import")
def import_command(
    file: Annotated[
        Path, typer.Argument(help="a checkpoint of torch, safetensors, or a folder of transformers")
    ],
    name: Annotated[
        str | None, typer.Option(help="what it is called here; default: as the file", show_default=False)
    ] = None,
    backbone: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="the WavLM that a head was trained on: says its settings, and its weights if FILE has none",
            show_default=False,
        ),
    ] = None,
    assume: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="what the file does not say, as in config.json: max_bucket_distance=1280",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Recognise a WavLM checkpoint, convert it once, and try it.

    Known are transformers' WavLMForXVector, WavLMForAudioFrameClassification and WavLMModel, Microsoft's
    original WavLM, WavLM with ECAPA-TDNN (UniSpeech), and WavLM joined with RawNet.
    """
    from functools import partial

    from earwitnessd.engines import EmbedError
    from earwitnessd.engines.families import convert_checkpoint
    from earwitnessd.models import ModelError
    from earwitnessd.models.importing import import_model

    try:
        convert = partial(convert_checkpoint, assume=_assumed(assume or []), backbone=backbone)
        model, record = import_model(file, convert=convert, name=name)
        typer.echo(f"recognised {record.family}")
        typer.echo(_describe(model))
        _say_reservations(record)
        _try(model)
    except (ModelError, EmbedError) as error:
        _fail(error)


@app.command("show")
def show_command(name: AnyName = "builtin") -> None:
    """Verify a model's files and say which model it is."""
    from earwitnessd.models import ModelError, open_model

    try:
        model = open_model(name)
    except ModelError as error:
        _fail(error)
    typer.echo(_describe(model))


def _assumed(said: list[str]) -> dict[str, Any]:
    import json

    from earwitnessd.models import ModelError

    values = dict[str, Any]()
    for each in said:
        key, equals, value = each.partition("=")
        if not equals or not key:
            raise ModelError(f"--assume {each}: expected KEY=VALUE, such as max_bucket_distance=800")
        try:
            values[key] = json.loads(value)
        except ValueError:
            values[key] = value
    return values


def _say_reservations(record: Record) -> None:
    if record.published:
        typer.echo(f"published  {record.published}")
    for each in record.assumed:
        typer.echo(f"assumed    {each}, which the file does not say")
    if record.left_aside:
        typer.echo(f"left aside {', '.join(record.left_aside[:4])}{', …' if record.left_aside[4:] else ''}")
    if record.warning:
        typer.echo(f"beware     {record.warning}")


def _try(model: Model) -> None:
    """Says what it can do on this machine; embeddings that cannot be relied on are a failure."""
    import numpy as np

    from earwitnessd.assemble import open_engine
    from earwitnessd.engines import EmbedError
    from earwitnessd.engines.trying import try_out
    from earwitnessd.models.model import RATE
    from earwitnessd.settings.load import load

    settings = load(None, [f"model={model.name}"])
    if model.family.embeds:
        embedder = open_engine(settings, backend="torch").embedder
        compute, where = embedder.embed, embedder.device
    else:
        from earwitnessd.engines.plain import PlainNetwork

        network = PlainNetwork(model)
        compute, where = (lambda windows: np.stack([network.vector(each) for each in windows])), "cpu"
    windows = settings.windows
    tried = try_out(compute, round(windows.length_s * RATE), windows.hop_s)
    if not tried.fine:
        trouble = "differ from time to time" if tried.finite else "are not finite"
        raise EmbedError(f"{model.name} on {where}: its outputs {trouble}; do not use it")
    typer.echo(
        f"tried      finite and deterministic on {where}: {tried.window_ms:.1f} ms a window of "
        f"{windows.length_s:g} s, so {tried.streams} streams at a hop of {windows.hop_s:g} s"
    )


def _describe(model: Model) -> str:
    from earwitnessd.calibration import CalibrationError, read_calibrator

    try:
        calibrator = read_calibrator(model.directory, model.model_id)
        calibration = calibrator.calibration.summary if calibrator else "none: decided by cosine"
    except CalibrationError as error:
        calibration = str(error)
    threshold = "none suggested" if model.threshold is None else f"{model.threshold:g} cosine"
    rows = {
        "name": model.name,
        "family": model.family.says,
        "model id": model.model_id,
        "directory": model.directory,
        "weights": f"{model.weights.name}, {model.weights.stat().st_size / 1e6:.1f} MB",
        "revision": model.revision or "not recorded",
        "normalise": "yes" if model.normalise else "no",
        "threshold": threshold,
        "calibrated": calibration,
        "licence": model.licence,
    }
    return "\n".join(f"{key:10} {value}" for key, value in rows.items())


def _fail(error: Exception) -> NoReturn:
    typer.echo(f"earwitnessd: {error}", err=True)
    raise typer.Exit(1) from error
