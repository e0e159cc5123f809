"""`earwitnessd plan`: what so many streams take, from figures measured here or elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earwitnessd.cli.options import CANNOT_START, UNUSABLE, one_line

if TYPE_CHECKING:
    from earwitnessd.sizing.figures import Figures
    from earwitnessd.sizing.report import Plan


def plan(
    streams: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many microphones.")] = 4,
    hop: Annotated[float, typer.Option(min=0.05, max=20.0, help="Seconds between windows.")] = 0.5,
    speech: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="Share of the time that somebody speaks into each.")
    ] = 1.0,
    wait: Annotated[
        float, typer.Option(min=1.0, help="99 of 100 windows must be embedded within so many ms.")
    ] = 500.0,
    model: Annotated[
        str, typer.Option(help="As in the settings; or random-base or random-large.")
    ] = "builtin",
    window: Annotated[float, typer.Option(min=0.5, max=20.0, help="Seconds of a window.")] = 3.0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    figures: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            dir_okay=False,
            show_default=False,
            help="Measured before, instead of now (--save).",
        ),
    ] = None,
    gpu: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            dir_okay=False,
            show_default=False,
            help="The same, of the GPU server to plan with.",
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, show_default=False, help="Keep what was measured now."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=2.0, help="Time for each measurement.")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as one JSON object.")] = False,
) -> None:
    """What so many streams take: boxes, GPU servers or a cluster, memory and network.

    Measures the model and the daemon on this machine (half a minute; leave it idle meanwhile), simulates
    how windows wait for the engine, and counts. Run it with --save on a GPU server, and give that as --gpu.
    """
    from earwitnessd.bench.errors import BenchError
    from earwitnessd.engines import EmbedError
    from earwitnessd.models import ModelError
    from earwitnessd.private import PrivateDaemonError
    from earwitnessd.sizing.figures import SizingError, load
    from earwitnessd.sizing.figures import save as keep
    from earwitnessd.sizing.planning import Wish
    from earwitnessd.sizing.report import make_plan

    wish = Wish(streams=streams, hop_s=hop, speech=speech, max_wait_ms=wait)
    try:
        here = load(figures) if figures else _measured(model, window, hop, device, seconds)
        if save:
            keep(here, save)
        made = make_plan(wish, here, load(gpu) if gpu else None)
    except SizingError as error:
        print(f"earwitnessd plan: {one_line(error)}", file=sys.stderr)
        raise typer.Exit(UNUSABLE) from None
    except (BenchError, EmbedError, ModelError, PrivateDaemonError) as error:
        print(f"earwitnessd plan: {one_line(error)}", file=sys.stderr)
        raise typer.Exit(CANNOT_START) from None
    if as_json:
        _print_json(made)
    else:
        _print(made)


def _measured(model: str, window_s: float, hop_s: float, device: str, seconds: float) -> Figures:
    from rich.console import Console

    from earwitnessd.bench import models, speech
    from earwitnessd.bench.station import Setup
    from earwitnessd.settings.root import Engine, Windows
    from earwitnessd.sizing.measuring import STREAMS, measure

    with models.prepared(model) as name, Console(stderr=True).status("measuring") as status:
        setup = Setup(
            model=name,
            recordings=speech.recordings(None, pauses=False),
            streams=STREAMS,
            windows=Windows(length_s=window_s, hop_s=hop_s),
            engine=Engine(device=device),
        )
        return measure(setup, seconds, lambda what: status.update(f"measuring {what}"))


def _print_json(made: Plan) -> None:
    import msgspec

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(made), indent=2).decode() + "\n")


def _print(made: Plan) -> None:
    from rich.console import Console

    from earwitnessd.sizing.report import table

    console = Console()
    console.print(table(made))
    for note in made.notes:
        console.print(note, style="dim", markup=False)
