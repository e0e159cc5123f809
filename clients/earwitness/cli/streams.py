"""`earwitness streams`: which there are, one more, one less."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from ..words import clean
from .connection import Connection, fail, print_json, show
from .daemon import StreamName, stream_table

streams = typer.Typer(
    name="streams", help="What the daemon listens to.", invoke_without_command=True, no_args_is_help=False
)


@streams.callback()
def list_(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as a JSON array.")] = False,
) -> None:
    """What the daemon listens to; add and remove streams while it runs."""
    if context.invoked_subcommand:
        return
    connection: Connection = context.obj
    with connection.ask() as control:
        found = control.status().heartbeat.streams
    if as_json:
        print_json(found)
    else:
        show(stream_table(found))


@streams.command()
def add(
    context: typer.Context,
    stream: Annotated[str, typer.Argument(metavar="STREAM", help="A name that no stream has.")],
    source: Annotated[str, typer.Option(metavar="KIND", help="microphone, file, pipe or network.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of that source, such as path=/srv/a.wav."),
    ] = None,
) -> None:
    """Listen to one more stream until the daemon ends; write it to the settings file to keep it."""
    connection: Connection = context.obj
    with connection.ask() as control:
        print(clean(control.add_stream(stream, {"source": source, **_tree(settings or ())}).message))


@streams.command()
def remove(context: typer.Context, stream: StreamName) -> None:
    """Listen to a stream no longer; one of the settings file comes back with the next reload."""
    connection: Connection = context.obj
    with connection.ask() as control:
        print(clean(control.remove_stream(stream).message))


def _tree(settings: Iterable[str]) -> dict[str, Any]:
    """Values as in JSON where they are, else as text."""
    tree: dict[str, Any] = {}
    for each in settings:
        key, equals, value = each.partition("=")
        if not (key and equals):
            fail(f"--set {each}: expected KEY=VALUE, such as path=/srv/a.wav", 2)
        try:
            tree[key] = json.loads(value)
        except ValueError:
            tree[key] = value
    return tree
