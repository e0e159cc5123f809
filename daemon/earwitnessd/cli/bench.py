"""`earwitnessd bench`: how fast, how prompt and how steady it is on this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from earwitnessd.cli.options import CANNOT_START, one_line
from earwitnessd.cli.progress import progress

if TYPE_CHECKING:
    import msgspec

    from earwitnessd.settings.root import Engine

N = TypeVar("N", int, float)

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]
PlotOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE.png", help="Draw the result, too.", show_default=False, dir_okay=False),
]
ModelOption = Annotated[
    str,
    typer.Option(help="builtin, a directory, a pulled model, or random-base or random-large."),
]
SpeechOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE|DIR", help="What the streams hear. Without it, the demo's voices.", show_default=False
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(min=1, help="CPU threads. Without it, as the daemon chooses.", show_default=False),
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]


@app.command(short_help="How many times as fast as transformers each engine is.")
def engine(
    model: ModelOption = "builtin",
    batch: Annotated[str, typer.Option(metavar="N,N", help="Windows at once.")] = "auto",
    window_s: Annotated[str, typer.Option(metavar="S,S", help="Lengths of windows in seconds.")] = "3",
    threads: Annotated[str, typer.Option(metavar="N,N", help="CPU threads.")] = "auto",
    device: DeviceOption = "auto",
    seconds: Annotated[float, typer.Option(min=0.0, help="Time for each shape of batch.")] = 20.0,
    speech: SpeechOption = None,
    as_json: JsonOption = False,
    plot: PlotOption = None,
) -> None:
    """How many times as fast as transformers each engine is, and how exact; both in turns in one run.

    On a CUDA device everything is measured there, with transformers in bfloat16 too.
    """
    from earwitnessd.bench import models
    from earwitnessd.bench import speech as heard

    with _told():
        _check_plot(plot)
        recordings = heard.recordings(speech, pauses=False)
        from earwitnessd.bench import engine as bench

        with models.prepared(model) as name:
            plan = bench.Plan(
                model=models.comparable(name),
                device=device,
                threads=_numbers("--threads", threads, int) or bench.usual_threads(),
                batches=_numbers("--batch", batch, int) or bench.usual_batches(device),
                windows_s=_numbers("--window-s", window_s, float) or [3.0],
                recordings=recordings,
                seconds=seconds,
            )
            with progress("timing engines", bench.shapes(plan)) as advance:
                report = bench.measure(plan, advance)
        if as_json:
            _print_json(report)
        else:
            from earwitnessd.bench.tables import print_engines

            print_engines(report)
        if plot:
            from earwitnessd.bench.plots import engine as draw

            draw(report, plot)


def _numbers(option: str, text: str, kind: Callable[[str], N]) -> list[N]:
    """None of "auto"."""
    from earwitnessd.bench.errors import BenchError

    if text == "auto":
        return []
    try:
        numbers = [kind(part) for part in text.split(",")]
    except ValueError:
        raise BenchError(f"{option} {text}: expected numbers with commas between them") from None
    if min(numbers) <= 0:
        raise BenchError(f"{option} {text}: must be above 0")
    return numbers


@app.command(short_help="From a spoken word to its event, and on how many streams.")
def pipeline(
    streams: Annotated[int, typer.Option(min=1, help="How many speak at first.")] = 4,
    most_streams: Annotated[int, typer.Option(min=1, help="How many to try at most.")] = 64,
    search: Annotated[bool, typer.Option(help="Look for the most streams that work.")] = True,
    seconds: Annotated[float, typer.Option(min=1.0, help="Time for each number of streams.")] = 20.0,
    model: ModelOption = "builtin",
    hop_s: Annotated[float, typer.Option(help="From one window to the next.")] = 0.5,
    window_s: Annotated[float, typer.Option(help="Length of a window.")] = 3.0,
    speech: SpeechOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
    plot: PlotOption = None,
) -> None:
    """From a spoken word to its event: latency, streams without a skipped window, cost of the daemon itself.

    A daemon of its own hears speech in real time, through capture processes and sockets as ever.
    """
    from earwitnessd.bench import models
    from earwitnessd.bench import pipeline as bench
    from earwitnessd.bench import speech as heard
    from earwitnessd.bench.station import Setup
    from earwitnessd.settings.root import Windows

    with _told():
        _check_plot(plot)
        recordings = heard.recordings(speech, pauses=False)
        with models.prepared(model) as name, _status() as say:
            setup = Setup(
                model=name,
                recordings=recordings,
                streams=max(streams, most_streams) if search else streams,
                windows=Windows(length_s=window_s, hop_s=hop_s),
                engine=_engine(device, threads),
            )
            report = bench.measure(setup, streams, seconds, search=search, say=say)
        if as_json:
            _print_json(report)
        else:
            from earwitnessd.bench.tables import print_pipeline

            print_pipeline(report)
        if plot:
            from earwitnessd.bench.plots import pipeline as draw

            draw(report, plot)


@app.command(short_help="Whether memory stays flat.")
def memory(
    minutes: Annotated[float, typer.Option(help="How long.")] = 60.0,
    streams: Annotated[int, typer.Option(min=1, help="How many hear a conversation in real time.")] = 4,
    model: ModelOption = "builtin",
    speech: SpeechOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
    plot: PlotOption = None,
) -> None:
    """Whether memory stays flat: resident memory over time, its slope and how sure that is."""
    from earwitnessd.bench import memory as bench
    from earwitnessd.bench import models
    from earwitnessd.bench import speech as heard
    from earwitnessd.bench.station import Setup

    with _told():
        _check_plot(plot)
        recordings = heard.recordings(speech, pauses=True)
        with models.prepared(model) as name, progress("watching memory", minutes * 60.0) as advance:
            setup = Setup(
                model=name,
                recordings=recordings,
                streams=streams,
                engine=_engine(device, threads),
            )
            report = bench.measure(setup, minutes, advance)
        if as_json:
            _print_json(report)
        else:
            from earwitnessd.bench.tables import print_memory

            print_memory(report)
        if plot:
            from earwitnessd.bench.plots import memory as draw

            draw(report, plot)


def _engine(device: str, threads: int | None) -> Engine:
    from earwitnessd.settings.root import Engine

    return Engine(device=device) if threads is None else Engine(device=device, threads=threads)


def _print_json(report: msgspec.Struct) -> None:
    import msgspec

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n")


@contextmanager
def _told() -> Iterator[None]:
    """What cannot be measured is told in one line."""
    from earwitness.control import ControlError, NoDaemon
    from earwitnessd.bench.errors import BenchError
    from earwitnessd.engines import EmbedError
    from earwitnessd.models import ModelError
    from earwitnessd.private import PrivateDaemonError

    try:
        yield
    except (BenchError, EmbedError, ModelError, PrivateDaemonError, ControlError, NoDaemon) as error:
        print(f"earwitnessd bench: {one_line(error)}", file=sys.stderr)
        raise typer.Exit(CANNOT_START) from None


def _check_plot(plot: Path | None) -> None:
    """Before anything is measured: an hour later would be too late."""
    if plot is None:
        return
    from earwitnessd.bench.errors import BenchError

    if find_spec("matplotlib") is None:
        raise BenchError("--plot draws with matplotlib: pip install 'earwitness[bench]'")
    if not plot.parent.is_dir():
        raise BenchError(f"--plot {plot}: there is no folder {plot.parent}")


@contextmanager
def _status() -> Iterator[Callable[[str], None]]:
    """What is being measured, on a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("starting") as status:

        def say(what: str) -> None:
            status.update(what)

        yield say
