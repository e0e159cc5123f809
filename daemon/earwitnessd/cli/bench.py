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

if TYPE_CHECKING:
    import msgspec

    from earwitnessd.bench.engine import EngineReport
    from earwitnessd.bench.memory import MemoryReport
    from earwitnessd.bench.pipeline import PipelineReport
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
        from earwitnessd.models import open_model

        with models.prepared(model) as name:
            plan = bench.Plan(
                model=open_model(name),
                device=device,
                threads=_numbers("--threads", threads, int) or bench.usual_threads(),
                batches=_numbers("--batch", batch, int) or bench.usual_batches(device),
                windows_s=_numbers("--window-s", window_s, float) or [3.0],
                recordings=recordings,
                seconds=seconds,
            )
            with _progress("timing engines", bench.shapes(plan)) as progress:
                report = bench.measure(plan, progress)
        if as_json:
            _print_json(report)
        else:
            _print_engines(report)
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


def _print_engines(report: EngineReport) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from earwitnessd.bench.engine import by_shape

    title = f"{report.model}; ratio to {report.peer}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    gpu = any(row.ratio_bfloat16 is not None for row in report.rows)
    table.add_column("", no_wrap=True)
    for heading in ["ms", "ratio", "rel. error", "1 - cos", *(["to bf16", "of peak"] if gpu else [])]:
        table.add_column(heading, justify="right", no_wrap=True)
    for shape, rows in by_shape(report.rows).items():
        table.add_row(shape, style="bold")
        for row in rows:
            cells = [f"{row.ms:.4g}", f"{row.ratio:.2f}"]
            cells += [f"{row.max_rel_error:.1e}", f"{row.one_minus_cos:.1e}"]
            if gpu:
                cells.append("-" if row.ratio_bfloat16 is None else f"{row.ratio_bfloat16:.2f}")
                cells.append("-" if row.peak_share is None else f"{row.peak_share:.0%}")
            table.add_row(f"  {row.engine}", *cells)
        table.add_section()
    console = Console()
    console.print(table)
    for refused in report.refused:
        console.print(f"{refused.engine}: {refused.reason}", style="dim", markup=False)
    console.print(str(report.machine), style="dim")


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
            _print_pipeline(report)
        if plot:
            from earwitnessd.bench.plots import pipeline as draw

            draw(report, plot)


def _print_pipeline(report: PipelineReport) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    title = f"{report.model} on {report.device}; {report.window_s:g} s each {report.hop_s:g} s"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("streams", "windows", "skipped", "p50 ms", "p99 ms", "worst ms", "model busy"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in report.rows:
        table.add_row(
            str(row.streams),
            str(row.windows),
            f"{row.skipped}" + (f" + {row.lost_s:.1f} s" if row.lost_s else ""),
            *(f"{ms:.0f}" for ms in (row.p50_ms, row.p99_ms, row.most_ms)),
            f"{row.busy:.0%}",
            style="" if row.sustained else "yellow",
        )
    costs = Table(title="the daemon without its model, a window", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in (
        "speech gate",
        "daemon CPU ms",
        "capture CPU ms",
        "path p50",
        "path p99",
        "p50 ms",
        "p99 ms",
    ):
        costs.add_column(heading, justify="right" if heading != "speech gate" else "left", no_wrap=True)
    for cost in report.overhead:
        figures = [
            cost.daemon_ms,
            cost.capture_ms,
            cost.path_p50_ms,
            cost.path_p99_ms,
            cost.p50_ms,
            cost.p99_ms,
        ]
        costs.add_row(cost.gate, *(f"{ms:.2f}" for ms in figures))
    console = Console()
    console.print(table)
    least = "at least " if report.sustained_all else ""
    console.print(f"{least}{report.sustained_streams} streams without a skipped window\n")
    console.print(costs)
    console.print(str(report.machine), style="dim")


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
        with models.prepared(model) as name, _progress("watching memory", minutes * 60.0) as progress:
            setup = Setup(
                model=name,
                recordings=recordings,
                streams=streams,
                engine=_engine(device, threads),
            )
            report = bench.measure(setup, minutes, progress)
        if as_json:
            _print_json(report)
        else:
            _print_memory(report)
        if plot:
            from earwitnessd.bench.plots import memory as draw

            draw(report, plot)


def _print_memory(report: MemoryReport) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"Memory, {report.streams} streams, {report.minutes:g} minutes; {report.model}",
        title_justify="left",
    )
    for heading in ("", "first MB", "last MB", "MB an hour", "95 %", "verdict"):
        table.add_column(heading, justify="right" if heading not in {"", "verdict"} else "left")
    settled = [row for row in report.rows if row.at_s >= report.settled_s]
    for name, trend, first, last in (
        ("daemon", report.daemon, settled[0].daemon_mb, settled[-1].daemon_mb),
        ("capture processes", report.captures, settled[0].captures_mb, settled[-1].captures_mb),
    ):
        bounds = f"{trend.low:+.2f} to {trend.high:+.2f}"
        table.add_row(name, f"{first:.1f}", f"{last:.1f}", f"{trend.mb_per_h:+.2f}", bounds, trend.verdict)
    console = Console()
    console.print(table)
    console.print(
        f"{report.verdict}; {report.windows} windows embedded, {report.skipped} skipped, capture processes "
        f"started anew {report.restarts} times. {report.machine}",
        style="dim",
    )


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
def _progress(what: str, total: float) -> Iterator[Callable[[float], None]]:
    """A bar on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)

        def advance(done: float) -> None:
            bar.update(task, completed=done)

        yield advance


@contextmanager
def _status() -> Iterator[Callable[[str], None]]:
    """What is being measured, on a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("starting") as status:

        def say(what: str) -> None:
            status.update(what)

        yield say
