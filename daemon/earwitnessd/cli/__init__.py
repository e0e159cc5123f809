"""`earwitnessd`: the commands of the daemon's side."""

from __future__ import annotations

from typing import Annotated

import typer

from earwitnessd.cli.bench import app as bench
from earwitnessd.cli.calibrate import calibrate
from earwitnessd.cli.check import check
from earwitnessd.cli.demo import demo
from earwitnessd.cli.doctor import doctor
from earwitnessd.cli.embed import embed
from earwitnessd.cli.evaluate import evaluate
from earwitnessd.cli.install import install, uninstall
from earwitnessd.cli.keys import app as keys
from earwitnessd.cli.model import app as model
from earwitnessd.cli.plan import plan
from earwitnessd.cli.replay import replay
from earwitnessd.cli.run import run
from earwitnessd.cli.serve_embeddings import serve_embeddings
from earwitnessd.cli.simulate import simulate
from earwitnessd.cli.templates import app as templates
from earwitnessd.cli.train import train

app = typer.Typer(
    help="Always-on, streaming, real-time speaker verification: the daemon and its tools.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command(short_help="Be the daemon, in the foreground.")(run)
app.command(short_help="Settings in force, and whether it could start.")(check)
app.command(short_help="What is wrong, and what mends it.")(doctor)
app.command(short_help="Put the service in place (systemd).")(install)
app.command(short_help="Take the service away; keeps voice profiles.")(uninstall)
app.command(short_help="Two voices and a stranger, without a microphone.")(demo)
app.command(short_help="Recordings through a whole daemon, at full speed.")(replay)
app.command(short_help="Recordings to vectors in a file.")(embed)
app.command(short_help="How well a model tells voices apart.")(evaluate)
app.command(short_help="Fit evidence and target rates to your own recordings.")(calibrate)
app.command(short_help="Conversations of recorded speakers, to evaluate with.")(simulate)
app.command(short_help="What so many streams take.")(plan)
app.command(short_help="Engines of a Ray cluster, for daemons elsewhere.")(serve_embeddings)
app.command(short_help="Train or fine-tune a model.")(train)
app.add_typer(model, name="model", help="Fetch, import and show models.")
app.add_typer(bench, name="bench", help="How fast, prompt and steady it is on this machine.")
app.add_typer(keys, name="keys", help="Make, list and revoke keys for tcp sockets.")
app.add_typer(templates, name="templates", help="The key that voice templates are encrypted with.")


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
