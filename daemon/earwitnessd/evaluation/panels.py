"""Puts pictures and tables below each other into one figure, and makes a file of it."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import partial

from matplotlib import style
from matplotlib.figure import Figure, FigureBase
from matplotlib.transforms import Bbox

from earwitnessd.evaluation.cells import (
    ERROR_COLUMNS,
    LIKELIHOOD_COLUMNS,
    POINT_COLUMNS,
    STREAM_ROWS,
    error_cells,
    likelihood_cells,
    point_rows,
    rows_of,
    stream_cells,
    title_of,
)
from earwitnessd.evaluation.drawing import (
    STYLE,
    colours_of,
    draw_det,
    draw_key,
    draw_reliability,
    draw_scores,
    draw_timeline,
)
from earwitnessd.evaluation.findings import Findings, StreamFindings, TrialFindings

MOST_TIMELINES = 12
# of recordings; more say nothing new
WIDTH = 11.0
TRIALS_HEIGHT, KEY_HEIGHT, TITLE_HEIGHT, AXIS_HEIGHT, LANE_HEIGHT, ROW_HEIGHT = (
    3.9,
    0.4,
    0.35,
    0.3,
    0.24,
    0.21,
)
LETTER = 0.075
# inches
NAME_SHARE, CELL_SHARE = 0.22, 0.12
# of the width, in tables
DPI = 110

Draw = Callable[[FigureBase], None]


def picture(findings: Findings) -> bytes:
    """Figures and pictures as one PNG."""
    return _drawn(_panels(findings), "png")


def drawn_trials(found: TrialFindings) -> bytes:
    """DET curve, scores and reliability as SVG."""
    return _drawn([(TRIALS_HEIGHT, partial(_draw_trials, found=found))], "svg")


def drawn_timelines(found: StreamFindings) -> bytes:
    """Who spoke, and who was said to speak, as SVG."""
    return _drawn([(_timelines_height(found), partial(_draw_timelines, found=found))], "svg")


def _panels(findings: Findings) -> list[tuple[float, Draw]]:
    """How high each part of the picture is, and what draws it."""
    panels: list[tuple[float, Draw]] = []
    if trials := findings.trials:
        summaries = [
            (name, *error_cells(row), *likelihood_cells(row)) for _, name, row in rows_of(trials.report)
        ]
        panels += [
            (TRIALS_HEIGHT, partial(_draw_trials, found=trials)),
            _table_panel(title_of(trials.report), ("", *ERROR_COLUMNS, *LIKELIHOOD_COLUMNS), summaries),
        ]
        if points := point_rows(trials.report):
            reached = [(name, *cells) for name, cells in points]
            panels.append(_table_panel("Operating points", ("false matches", *POINT_COLUMNS), reached))
    if streams := findings.streams:
        figures = [stream_cells(variant.figures) for variant in streams.variants]
        names = ("", *(variant.name for variant in streams.variants))
        panels += [
            _table_panel("Recordings", names, list(zip(STREAM_ROWS, *figures, strict=True))),
            (_timelines_height(streams), partial(_draw_timelines, found=streams)),
        ]
    return panels


def _table_panel(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[float, Draw]:
    return _table_height(rows), partial(_draw_table, title=title, columns=columns, rows=rows)


def _drawn(panels: Sequence[tuple[float, Draw]], form: str) -> bytes:
    heights = [height for height, _ in panels]
    file = io.BytesIO()
    with style.context(STYLE):
        figure = Figure(figsize=(WIDTH, sum(heights)))
        parts = figure.subfigures(len(panels), 1, height_ratios=heights, squeeze=False)
        for (_, draw), [part] in zip(panels, parts, strict=True):
            draw(part)
        figure.savefig(file, format=form, dpi=DPI, metadata={"Date": None} if form == "svg" else None)
    return file.getvalue()


def _draw_trials(part: FigureBase, found: TrialFindings) -> None:
    grid = {"left": 0.06, "right": 0.98, "bottom": 0.13, "top": 0.91, "wspace": 0.2}
    left, middle, right = part.subplots(1, 3, gridspec_kw=grid)
    draw_det(left, found)
    draw_scores(middle, found)
    draw_reliability(right, found)


def _draw_timelines(part: FigureBase, found: StreamFindings) -> None:
    count = min(len(found.variants[0].recordings), MOST_TIMELINES)
    whole, each = _timelines_height(found), _timeline_height(found)
    colours = colours_of(found)
    longest = max(len(variant.name) for variant in found.variants)
    left = min(0.3, (longest + 2) * LETTER / WIDTH)
    draw_key(part.add_axes((left, 1 - KEY_HEIGHT / whole, 0.98 - left, KEY_HEIGHT / whole)), colours)
    for number in range(count):
        bottom = whole - KEY_HEIGHT - number * each - (each - AXIS_HEIGHT)
        height = each - TITLE_HEIGHT - AXIS_HEIGHT
        axes = part.add_axes((left, bottom / whole, 0.98 - left, height / whole))
        draw_timeline(axes, found, number, colours)


def _draw_table(part: FigureBase, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    top = TITLE_HEIGHT / _table_height(rows)
    axes = part.add_axes((0.012, 0.02, 0.976, 0.98 - top))
    axes.set_axis_off()
    axes.set_title(title)
    widths = [NAME_SHARE, *[min(CELL_SHARE, (1 - NAME_SHARE) / (len(columns) - 1))] * (len(columns) - 1)]
    table = axes.table(
        [list(row) for row in rows],
        colLabels=[column.replace(" at ", "\nat ") for column in columns],
        colWidths=[width / sum(widths) for width in widths],
        bbox=Bbox.from_bounds(0, 0, sum(widths), 1),
        edges="horizontal",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(8)
    for (_, column), cell in table.get_celld().items():
        cell.set_edgecolor("#d3d9df")
        cell.set_text_props(ha="left" if column == 0 else "right")


def _table_height(rows: Sequence[object]) -> float:
    return TITLE_HEIGHT + ROW_HEIGHT * (len(rows) + 2)


def _timeline_height(found: StreamFindings) -> float:
    return TITLE_HEIGHT + AXIS_HEIGHT + LANE_HEIGHT * (1 + len(found.variants))


def _timelines_height(found: StreamFindings) -> float:
    count = min(len(found.variants[0].recordings), MOST_TIMELINES)
    return KEY_HEIGHT + count * _timeline_height(found)
