"""Put the commands together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .check import check
from .connection import Connection, clear_errors
from .custody import export, import_, keep
from .daemon import pause, reload, resume, status
from .enroll import enroll
from .groups import group, set_point
from .mqtt import mqtt
from .on import CommandAfterDashes, on
from .profiles import profiles
from .record import record
from .schema import schema
from .streams import streams
from .tail import tail
from .watch import watch
from .webhook import webhook

app = typer.Typer(
    name="earwitness",
    help="Listen to earwitnessd, and ask it for things. Its events are evidence, not a login.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"earwitness {version('earwitness')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    events: Annotated[
        str | None, typer.Option(metavar="ENDPOINT", help="Where events are published.", show_default=False)
    ] = None,
    control: Annotated[
        str | None, typer.Option(metavar="ENDPOINT", help="Where requests are answered.", show_default=False)
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Our CURVE key, for tcp.", show_default=False)
    ] = None,
    server_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The daemon's public key, for tcp.", show_default=False),
    ] = None,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options that all commands share."""
    context.obj = Connection(events, control, key, server_key)


app.command()(watch)
app.command()(tail)
app.command()(record)
app.command(cls=CommandAfterDashes)(on)
app.command()(check)
app.command()(mqtt)
app.command()(webhook)
app.command()(status)
app.command()(enroll)
profiles.command(name="set")(set_point)
profiles.add_typer(group)
profiles.command()(export)
profiles.command(name="import")(import_)
profiles.command()(keep)
app.add_typer(profiles)
app.add_typer(streams)
app.command()(pause)
app.command()(resume)
app.command()(reload)
app.command()(schema)


def main() -> None:
    """Run the command line."""
    with clear_errors():
        app()
