"""`earwitnessd model list`, `verify` and `rm`: what lies on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from earwitnessd.cli.options import ConfigOption, SetOption

if TYPE_CHECKING:
    from earwitnessd.models.installed import Installed

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def list_command(as_json: AsJson = False) -> None:
    """Say which models lie on this machine, and which are known to work here.

    Sizes are those of the weights as float32. Nothing of the weights is read: `verify` does that.
    """
    from earwitnessd.cli.model_pages import of_installed, of_offered
    from earwitnessd.models.catalogue import CATALOGUE
    from earwitnessd.models.installed import installed, unfinished
    from earwitnessd.models.places import models_directory

    here = installed()
    names = {each.name for each in here}
    offers = [each for each in CATALOGUE if each.name not in names]
    if as_json:
        _print_json({"installed": [_plain(each) for each in here], "offered": offers})
        return
    typer.echo(f"On this machine ({models_directory()}):\n")
    for model in here:
        typer.echo("\n".join(of_installed(model)) + "\n")
    for folder in unfinished():
        name = str(folder.parent.relative_to(models_directory()) / _pulled_name(folder.name))
        typer.echo(f"  {name}: not wholly fetched\n    earwitnessd model pull {name} goes on with it\n")
    typer.echo("Can be had:\n")
    for offer in offers:
        typer.echo("\n".join(of_offered(offer)) + "\n")


def verify_command(names: Names = None) -> None:
    """Compare every file of these models (without NAME: of all) with the SHA-256 that was recorded."""
    from earwitnessd.models import ModelError, open_model
    from earwitnessd.models.installed import installed
    from earwitnessd.models.record import read_record

    wrong = 0
    for name in names or [each.name for each in installed()]:
        try:
            model = open_model(name)
            recorded = read_record(model.directory).sha256
        except ModelError as error:
            wrong += 1
            typer.echo(f"{name}: WRONG\n    {error}")
            continue
        says = "as recorded" if recorded else "complete, but no hash was recorded to compare it with"
        typer.echo(f"{name}: {says} ({model.model_id})")
    raise typer.Exit(1 if wrong else 0)


def remove_command(
    name: Annotated[str, typer.Argument(help="a pulled or imported model")],
    yes: Yes = False,
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Take a pulled or imported model off this machine; one that the settings name stays."""
    from earwitnessd.cli.model import fail
    from earwitnessd.models import ModelError
    from earwitnessd.models.installed import removable, remove
    from earwitnessd.settings.load import load
    from earwitnessd.settings.validate import SettingsError

    try:
        settings = load(config, overrides or [])
        directory = removable(name)
    except (ModelError, SettingsError) as error:
        fail(error)
    users = {"model": settings.model, "overlap.model": settings.overlap.model}
    if used_as := [key for key, value in users.items() if value == name]:
        fail(ModelError(f"{name} is what the settings name in {used_as[0]}: set another model first"))
    warning = f"Delete {directory}? People enrolled with it can only be compared by it"
    if not yes and not typer.confirm(warning, err=True):
        raise typer.Exit(1)
    try:
        remove(name)
    except ModelError as error:
        fail(error)
    typer.echo(f"{name} is gone ({directory})")


def _pulled_name(folder: str) -> str:
    from earwitnessd.models.installed import UNFINISHED

    return folder.removeprefix(UNFINISHED).rpartition("-")[0]


def _plain(model: Installed) -> dict[str, Any]:
    from earwitnessd.cli.model_pages import calibration_of

    usable = model.family is not None and model.family.embeds and model.model_id
    return {
        "name": model.name,
        "directory": str(model.directory),
        "family": model.family.value if model.family else None,
        "size_mb": round(model.size_mb, 1),
        "model_id": model.model_id or None,
        "calibrated": calibration_of(model.directory, model.model_id) if usable else None,
        "record": model.record,
        "problem": model.problem or None,
    }


def _print_json(content: object) -> None:
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())
