"""What was found, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from earwitnessd.evaluation import cells
from earwitnessd.evaluation.findings import Findings, StreamFindings, TrialFindings
from earwitnessd.evaluation.report import Report, Summary

PADDING = 2  # characters beside each column


def print_tables(findings: Findings) -> None:
    """Trials first, then recordings."""
    console = Console()
    if findings.trials:
        for table in _of_trials(findings.trials):
            console.print(table)
    if findings.streams:
        for table in _of_streams(findings.streams, console.width):
            console.print(table)
        for line in cells.refusals(findings.streams):
            console.print(line, style="yellow", markup=False)


def _of_trials(found: TrialFindings) -> list[Table]:
    report = found.report
    errors = _table(
        f"{cells.title_of(report)}, {report.seconds:.0f} s, RTF {report.rtf:.4f}",
        "by corpus, and by net speech in the test recording",
        cells.ERROR_COLUMNS,
    )
    likelihoods = _table(
        "",
        f"[95 % interval] by resampling {report.resampled}s; "
        f"{cells.NOTHING}: too few trials, or no calibration",
        cells.LIKELIHOOD_COLUMNS,
    )
    _fill(errors, report, cells.error_cells)
    _fill(likelihoods, report, cells.likelihood_cells)
    tables = [errors, likelihoods]
    if report.operating_points:
        points = _table("", "false matches asked for, and reached by the calibration", cells.POINT_COLUMNS)
        for name, shown in cells.point_rows(report):
            points.add_row(name, *shown)
        tables.append(points)
    return tables


def _table(title: str, caption: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, caption=caption, box=box.SIMPLE_HEAD, title_justify="left")
    table.caption_justify = "left"
    table.add_column("", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _fill(table: Table, report: Report, texts: Callable[[Summary], list[str]]) -> None:
    group_before = 0
    for group, name, row in cells.rows_of(report):
        if group != group_before:
            table.add_section()
        table.add_row(name, *texts(row))
        group_before = group


def _of_streams(found: StreamFindings, width: int) -> list[Table]:
    """As many as it takes for the figures of all variants to be read whole."""
    shown = [(variant.name, cells.stream_cells(variant.figures)) for variant in found.variants]
    widest = max(len(text) for _, texts in shown for text in texts)
    beside = max(1, (width - max(map(len, cells.STREAM_ROWS)) - PADDING) // (widest + PADDING))
    tables = [_side_by_side(shown[first : first + beside]) for first in range(0, len(shown), beside)]
    tables[0].title = "recordings, replayed"
    tables[
        -1
    ].caption = f"{len(found.enrolled)} enrolled; times to verify are over turns that were not missed"
    return tables


def _side_by_side(variants: Sequence[tuple[str, list[str]]]) -> Table:
    table = _table("", "", [name for name, _ in variants])
    for name, *shown in zip(cells.STREAM_ROWS, *(texts for _, texts in variants), strict=True):
        table.add_row(name, *shown)
    return table
