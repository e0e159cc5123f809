"""Draws what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from earwitnessd.bench.engine_report import EngineReport, by_shape
from earwitnessd.bench.machine import Machine
from earwitnessd.bench.memory import MemoryReport
from earwitnessd.bench.pipeline import PipelineReport
from earwitnessd.bench.trend import Trend

# of Okabe and Ito: told apart by everybody
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442")
GREY = "#888888"
INK = "#222222"
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    "legend.frameon": False,
}


@contextmanager
def _figure(file: Path, height: float, machine: Machine, *notes: str) -> Iterator[Figure]:
    """A page of its own, with the machine at its foot; written at the end."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.0, height), layout="constrained")
        yield figure
        packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
        foot = "\n".join([*notes, f"{machine}", packages])
        figure.supxlabel(foot, fontsize=7.5, color=GREY, x=0.01, ha="left")
        figure.savefig(file, dpi=150)


def memory(report: MemoryReport, file: Path) -> None:
    """Resident memory over time, with the straight lines that the verdict rests on."""
    minutes = np.array([row.at_s / 60 for row in report.rows])
    series = (
        ("daemon", report.daemon, [row.daemon_mb for row in report.rows]),
        (f"{report.streams} capture processes", report.captures, [row.captures_mb for row in report.rows]),
    )
    note = f"Lines: through medians after {report.settled_s / 60:.0f} minutes, with 95 % of the slope."
    with _figure(file, 6.0, report.machine, note) as figure:
        axes = figure.subplots(2, 1, sharex=True)
        for plot, colour, (name, trend, mb) in zip(axes, COLOURS, series, strict=False):
            _line(plot, minutes, np.array(mb), report.settled_s / 60, trend, colour)
            plot.set_title(f"{name}: {_slope(trend)}")
            plot.set_ylabel("resident MB")
        axes[-1].set_xlabel("minutes")
        figure.suptitle(
            f"Memory: {report.verdict}. {report.streams} streams, {report.windows:,} windows, {report.model}",
            x=0.01,
            ha="left",
            fontsize=13,
        )


def _slope(trend: Trend) -> str:
    return f"{trend.mb_per_h:+z.2f} MB an hour ({trend.low:+z.2f} to {trend.high:+z.2f}), {trend.verdict}"


def _line(
    plot: Axes,
    minutes: np.typing.NDArray[np.float64],
    mb: np.typing.NDArray[np.float64],
    settled: float,
    trend: Trend,
    colour: str,
) -> None:
    plot.plot(minutes, mb, color=colour, linewidth=1.4)
    plot.axvspan(0, settled, color="#f3f3f3", linewidth=0)
    late = minutes >= settled
    ends = minutes[late][[0, -1]]
    plot.plot(ends, (trend.first_mb, trend.last_mb), color=INK, linewidth=1.0, linestyle="--")
    room = max(2.0, 0.6 * float(np.ptp(mb[late])))
    plot.set_ylim(float(mb[late].min()) - room, float(mb[late].max()) + room)
    plot.margins(x=0.01)


def engine(report: EngineReport, file: Path) -> None:
    """How many times as fast as the peer each engine is, batch by batch."""
    groups = by_shape(report.rows)
    bars = sum(len(rows) for rows in groups.values())
    note = f"Ratio of medians, engines taking turns; one is {report.peer}, float32."
    with _figure(file, 1.9 + 0.34 * bars + 0.5 * len(groups), report.machine, note) as figure:
        plot = figure.subplots()
        names = list(dict.fromkeys(row.engine for row in report.rows))
        place, ticks = 0.0, []
        for title, rows in groups.items():
            plot.text(0, place, title, fontsize=9, fontweight="bold", va="center", color=INK)
            for row in rows:
                place += 1.0
                first = row.engine == names[0]
                colour = GREY if first else COLOURS[(names.index(row.engine) - 1) % len(COLOURS)]
                plot.barh(place, row.ratio, height=0.72, color=colour)
                words = f" {row.ratio:.2f} x   {row.ms:.4g} ms" + (
                    "" if first else f"   error {row.max_rel_error:.0e}"
                )
                plot.text(row.ratio, place, words, va="center", fontsize=8.5, color=INK)
                ticks.append((place, row.engine))
            place += 1.6
        plot.set_yticks([at for at, _ in ticks], [name for _, name in ticks], fontsize=8.5)
        plot.axvline(1.0, color=INK, linewidth=0.8)
        plot.set_ylim(place - 0.9, -0.9)
        plot.set_xlim(0, 1.45 * max(row.ratio for row in report.rows))
        plot.grid(axis="y", visible=False)
        plot.set_xlabel("times as fast as transformers")
        plot.set_title(f"Engines: {report.model}")


def pipeline(report: PipelineReport, file: Path) -> None:
    """Latency by number of streams, and where the daemon's own time goes."""
    note = "From a window's last sample to its event in a subscriber's hands; real processes and sockets."
    with _figure(file, 5.6, report.machine, note) as figure:
        latency, cost = figure.subplots(1, 2, width_ratios=(1.7, 1.0))
        _latency(latency, report)
        _costs(cost, report)
        figure.suptitle(f"Pipeline: {report.model} on {report.device}", x=0.01, ha="left", fontsize=13)


def _latency(plot: Axes, report: PipelineReport) -> None:
    streams = [row.streams for row in report.rows]
    for name, values, colour, style in (
        ("p99", [row.p99_ms for row in report.rows], COLOURS[0], "--"),
        ("p50", [row.p50_ms for row in report.rows], COLOURS[0], "-"),
    ):
        plot.plot(streams, values, style, color=colour, marker="o", markersize=5, label=name)
    lossy = [row for row in report.rows if not row.sustained]
    if lossy:
        at, p50_ms = [row.streams for row in lossy], [row.p50_ms for row in lossy]
        plot.plot(at, p50_ms, "o", color=COLOURS[3], markersize=9, label="windows skipped")
    plot.set_xscale("log", base=2)
    plot.set_yscale("log")
    told = _apart(streams)
    plot.set_xticks(told, [str(number) for number in told])
    plot.minorticks_off()
    low, high = min(row.p50_ms for row in report.rows), max(row.p99_ms for row in report.rows)
    plot.set_ylim(low / 1.5, high * 1.5)
    ticks = [
        tick
        for tick in (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
        if low / 1.5 < tick < high * 1.5
    ]
    plot.set_yticks(ticks, [str(tick) for tick in ticks])
    plot.set_xlabel("streams")
    plot.set_ylabel("ms")
    least = "at least " if report.sustained_all else ""
    plot.set_title(f"{least}{report.sustained_streams} streams at {report.hop_s:g} s hop, none skipped")
    plot.legend(loc="upper left")


def _apart(numbers: list[int]) -> list[int]:
    """Of rising numbers, those whose labels have room beside each other on an axis of logarithms."""
    told: list[int] = []
    for number in numbers:
        if not told or number >= 1.2 * told[-1]:
            told.append(number)
    return told


def _costs(plot: Axes, report: PipelineReport) -> None:
    gates = [cost.gate for cost in report.overhead]
    daemon = [cost.daemon_ms for cost in report.overhead]
    capture = [cost.capture_ms for cost in report.overhead]
    busy = [cost.busy_daemon_ms for cost in report.overhead]
    plot.bar(gates, daemon, width=0.55, color=COLOURS[0], label="daemon")
    plot.bar(gates, capture, bottom=daemon, width=0.55, color=COLOURS[5], label="capture process")
    for place, (ours, theirs) in enumerate(zip(daemon, capture, strict=True)):
        plot.text(place, 0.96 * ours, f"{ours:.2f}", ha="center", va="top", color="white", fontweight="bold")
        plot.text(place, ours + theirs / 2, f"{theirs:.2f}", ha="center", va="center", color=INK)
    places = np.arange(len(gates))
    plot.hlines(busy, places - 0.25, places + 0.25, color=INK, linewidth=2, label="daemon, busy")
    plot.grid(axis="x", visible=False)
    plot.set_xlabel("speech gate")
    plot.set_ylabel("processor time, ms a window")
    plot.set_title("Without the model")
    plot.margins(y=0.25)
    plot.legend(loc="upper right")
