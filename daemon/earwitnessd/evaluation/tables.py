"""What was found, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from earwitnessd.evaluation import cells
from earwitnessd.evaluation.findings import Findings, StreamFindings, TrialFindings
from earwitnessd.evaluation.report import Report, Summary


def print_tables(findings: Findings) -> None:
    """Trials first, then recordings."""
    console = Console()
    if findings.trials:
        for table in _of_trials(findings.trials):
            console.print(table)
    if findings.streams:
        console.print(_of_streams(findings.streams))
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


def _of_streams(found: StreamFindings) -> Table:
    caption = f"{len(found.enrolled)} enrolled; times to verify are over turns that were not missed"
    table = _table("recordings, replayed", caption, [variant.name for variant in found.variants])
    columns = [cells.stream_cells(variant.figures) for variant in found.variants]
    for name, *shown in zip(cells.STREAM_ROWS, *columns, strict=True):
        table.add_row(name, *shown)
    return table
