"""`earwitnessd templates`: the key that the voice templates are encrypted with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from earwitnessd.cli.options import UNUSABLE, ConfigOption, SetOption, one_line

if TYPE_CHECKING:
    from earwitnessd.templates.key_file import KeyPlace

FAILED = 1
app = typer.Typer(no_args_is_help=True)


@app.callback()
def _templates() -> None:
    """Look at, make and change the key that the voice templates are encrypted with."""


@app.command()
def show(config: ConfigOption = None, overrides: SetOption = None) -> None:
    """Say where database and key lie, whether they fit, and who lies there with which models."""
    from earwitnessd.profiles import ProfileStore, StoreError

    file, place = _places(config, overrides)
    print(f"database  {file}{'' if file.exists() else ' (does not exist yet)'}")
    kind = "systemd credential" if place.credential else "beside the database" if place.beside else "as set"
    print(f"key file  {place.file} ({kind}{'' if place.file.exists() else ', does not exist yet'})")
    if not file.exists() or not place.file.exists():
        raise typer.Exit
    try:
        store = ProfileStore(file, key=place)
        people = store.profiles()
        store.close()
    except StoreError as error:
        _fail(error)
    models = sorted({each.model_id for person in people for each in person.exemplars})
    sessions = sum(len(person.exemplars) for person in people)
    print(f"key       {store.key_id}")
    print(f"people    {len(people)}, {sessions} sessions, of {', '.join(models) or 'no model'}")
    for problem in store.unreadable:
        print(f"PROBLEM   {problem}")
    raise typer.Exit(FAILED if store.unreadable else 0)


@app.command()
def rotate(
    config: ConfigOption = None,
    overrides: SetOption = None,
    new_key: Annotated[
        Path | None,
        typer.Option(
            help="Change to the key in this file, and leave the old key's file alone.", show_default=False
        ),
    ] = None,
) -> None:
    """Encrypt and turn all templates by a new key; stop the daemon first.

    Everybody stays enrolled. Copies of the database and templates that were taken before are worth nothing
    to whoever has the new database, and match nobody in it.
    """
    from earwitnessd.profiles import StoreError
    from earwitnessd.profiles.rekeying import change_to, rotate_key

    file, place = _places(config, overrides)
    try:
        done = change_to(file, place, new_key) if new_key else rotate_key(file, place)
    except StoreError as error:
        _fail(error)
    print(f"{done.templates} templates: key {done.old_id} until now, {done.new_id} from now on")
    if new_key:
        print(f"give {new_key} to the daemon before it starts: as its credential, or as templates.key_file")
    else:
        print(f"copies of {place.file} that were made before open nothing any more: make new ones")


@app.command("new-key")
def new_key_command(
    file: Annotated[Path, typer.Argument(help="Where to write it; it must not exist.")],
) -> None:
    """Make a key, for templates.key_file or as a systemd credential, before anybody is enrolled."""
    from earwitnessd.templates.errors import KeyFileError
    from earwitnessd.templates.key import TemplateKey
    from earwitnessd.templates.key_file import write_key

    key = TemplateKey.new()
    try:
        write_key(file, key)
    except FileExistsError:
        _fail(f"{file} exists already: a key is not overwritten")
    except KeyFileError as error:
        _fail(error)
    print(f"{file}: key {key.id}. Keep a copy of it away from the database: without it nobody is recognised")


def _places(config: Path | None, overrides: list[str] | None) -> tuple[Path, KeyPlace]:
    from earwitnessd.assemble import profile_file
    from earwitnessd.settings.load import load
    from earwitnessd.settings.validate import SettingsError
    from earwitnessd.templates.key_file import KeyPlace

    try:
        settings = load(config, overrides or ())
    except SettingsError as error:
        print(f"earwitnessd: {one_line(error)}", file=sys.stderr)
        raise typer.Exit(UNUSABLE) from None
    file = profile_file(settings)
    return file, KeyPlace.find(settings.templates.key_file, file)


def _fail(error: Exception | str) -> NoReturn:
    print(f"earwitnessd: {error}", file=sys.stderr)
    raise typer.Exit(FAILED)
