"""`earwitnessd`: the commands of the daemon's side."""

from __future__ import annotations

from typing import Annotated

import typer

from earwitnessd.cli.check import check
from earwitnessd.cli.demo import demo
from earwitnessd.cli.evaluate import evaluate
from earwitnessd.cli.keys import app as keys
from earwitnessd.cli.model import app as model
from earwitnessd.cli.replay import replay
from earwitnessd.cli.run import run
from earwitnessd.cli.train import train

app = typer.Typer(
    help="Always-on, streaming, real-time speaker verification: the daemon and its tools.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(run)
app.command()(check)
app.command()(demo)
app.command()(replay)
app.command()(evaluate)
app.command()(train)
app.add_typer(model, name="model", help="Fetch and show models.")
app.add_typer(keys, name="keys", help="Make, list and revoke keys for tcp sockets.")


def _version(wanted: bool) -> None:
    if wanted:
        from earwitnessd.version import VERSION

        print(f"earwitnessd {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Say which earwitness this is.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    pass


def main() -> None:
    """The console script."""
    app()
