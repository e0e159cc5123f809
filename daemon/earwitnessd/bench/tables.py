"""What the benchmarks found, as tables on a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from earwitnessd.bench.engine_report import EngineReport, by_shape
from earwitnessd.bench.memory import MemoryReport
from earwitnessd.bench.pipeline import PipelineReport


def print_engines(report: EngineReport) -> None:
    """Every engine, shape by shape."""
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


def print_pipeline(report: PipelineReport) -> None:
    """Latency by streams, and the cost of the daemon itself."""
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
    for heading in ("gate", "daemon", "busy", "capture", "path p50", "p99", "p50 ms", "p99 ms"):
        costs.add_column(heading, justify="right" if heading != "gate" else "left", no_wrap=True)
    for cost in report.overhead:
        figures = [cost.daemon_ms, cost.busy_daemon_ms, cost.capture_ms, cost.path_p50_ms, cost.path_p99_ms]
        costs.add_row(cost.gate, *(f"{ms:.2f}" for ms in (*figures, cost.p50_ms, cost.p99_ms)))
    costs.caption = "processor time in real time; busy: the daemon's, windows back to back"
    costs.caption_justify = "left"
    console = Console()
    console.print(table)
    least = "at least " if report.sustained_all else ""
    console.print(f"{least}{report.sustained_streams} streams without a skipped window\n")
    console.print(costs)
    console.print(str(report.machine), style="dim")


def print_memory(report: MemoryReport) -> None:
    """The trend of each kind of process."""
    table = Table(
        title=f"Memory, {report.streams} streams, {report.minutes:g} minutes; {report.model}",
        title_justify="left",
    )
    for heading in ("", "first MB", "last", "most", "MB an hour", "95 %", "verdict"):
        table.add_column(heading, justify="right" if heading not in {"", "verdict"} else "left")
    for name, trend in (("daemon", report.daemon), ("capture processes", report.captures)):
        memory = (f"{mb:.1f}" for mb in (trend.first_mb, trend.last_mb, trend.most_mb))
        bounds = f"{trend.low:+z.2f} to {trend.high:+z.2f}"
        table.add_row(name, *memory, f"{trend.mb_per_h:+z.2f}", bounds, trend.verdict)
    table.caption = f"after {report.settled_s / 60:g} minutes; first and last: the straight line's ends"
    table.caption_justify = "left"
    console = Console()
    console.print(table)
    console.print(
        f"{report.verdict}; {report.windows} windows embedded, {report.skipped} skipped, capture processes "
        f"started anew {report.restarts} times. {report.machine}",
        style="dim",
    )
