"""`earwitnessd model`: fetch models and look at them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from earwitnessd.models import Model

app = typer.Typer(help="Fetch models and look at them.", no_args_is_help=True)

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


@app.command("show")
def show_command(name: AnyName = "builtin") -> None:
    """Verify a model's files and say which model it is."""
    from earwitnessd.models import ModelError, open_model

    try:
        model = open_model(name)
    except ModelError as error:
        _fail(error)
    typer.echo(_describe(model))


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
