"""`earwitness profiles`: list, show, delete, rename."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .. import palette
from ..words import clean, number, span
from .connection import Connection, print_json

profiles = typer.Typer(name="profiles", help="The enrolled people.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@profiles.command(name="list")
def list_all(context: typer.Context, as_json: AsJson = False) -> None:
    """List everybody."""
    connection: Connection = context.obj
    with connection.ask() as control:
        answer = control.profiles()
    if as_json:
        print_json(answer)
        return
    if not answer.profiles:
        print("nobody is enrolled: earwitness enroll NAME")
        return
    table = _table("name", "exemplars", "speech", "created", "")
    for person in answer.profiles:
        unusable = person.exemplars - person.usable
        table.add_row(
            Text(clean(person.name), "bold"),
            f"{person.exemplars}",
            span(person.speech_s),
            clean(person.created),
            Text(f"{unusable} of another model: enrol again" if unusable else "", palette.WARN),
        )
    Console(highlight=False).print(table)


@profiles.command()
def show(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show one person with all exemplars."""
    connection: Connection = context.obj
    with connection.ask() as control:
        person = control.profile(name)
    if as_json:
        print_json(person)
        return
    console = Console(highlight=False)
    heading = Text.assemble((clean(person.name), "bold"), f", since {clean(person.created)}")
    if person.nearest is not None:
        heading.append(
            f", sounds most like {clean(person.nearest)} ({number(person.nearest_cosine)})", palette.DIM
        )
    console.print(heading)
    table = _table("created", "source", "label", "speech", "windows", "consistency", "SNR", "")
    for exemplar in person.exemplars:
        table.add_row(
            clean(exemplar.created),
            clean(exemplar.source),
            clean(exemplar.label),
            span(exemplar.speech_s),
            f"{exemplar.windows}",
            number(exemplar.consistency),
            f"{number(exemplar.snr_db, '.0f')} dB",
            Text(
                "" if exemplar.usable else f"of model {clean(exemplar.model_id)}: enrol again", palette.WARN
            ),
        )
    console.print(table)


@profiles.command()
def delete(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Forget a person and all exemplars."""
    connection: Connection = context.obj
    if not yes and not typer.confirm(f"Forget {name} and all exemplars? This cannot be undone", err=True):
        raise typer.Exit(1)
    with connection.ask() as control:
        print(clean(control.delete_profile(name).message))


@profiles.command()
def rename(
    context: typer.Context, name: Name, new_name: Annotated[str, typer.Argument(metavar="NEW")]
) -> None:
    """Give a person another name."""
    connection: Connection = context.obj
    with connection.ask() as control:
        print(clean(control.rename_profile(name, new_name).message))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=palette.DIM)
    for column in columns:
        table.add_column(column)
    return table
