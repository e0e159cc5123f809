"""Draw levels and histories with characters."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from .. import palette
from .scale import Column

FLOOR_DBFS = -60.0
LOUD_DBFS = -12.0
HOT_DBFS = -3.0
BARS = "▁▂▃▄▅▆▇█"


def level_meter(
    level_dbfs: float | None, peak_dbfs: float | None, width: int, *, stale: bool = False
) -> Text:
    """A bar from -60 to 0 dBFS in half cells, with a tick at the peak."""
    halves = _halves(level_dbfs, width)
    meter = Text()
    for cell in range(width):
        filled = min(2, max(0, halves - 2 * cell))
        glyph = "━" if filled == 2 else "╸" if filled == 1 else "─"
        meter.append(glyph, palette.FAINT if stale or not filled else _level_colour(cell, width))
    peak_cell = (_halves(peak_dbfs, width) - 1) // 2
    if peak_dbfs is None or stale or not 0 <= peak_cell < width or 2 * peak_cell < halves:
        return meter
    tick = Text("╷" if width < 4 else "┃", _level_colour(peak_cell, width))
    return Text.assemble(meter[:peak_cell], tick, meter[peak_cell + 1 :])


def _halves(dbfs: float | None, width: int) -> int:
    if dbfs is None or math.isnan(dbfs):
        return 0
    fraction = min(max(1.0 - dbfs / FLOOR_DBFS, 0.0), 1.0)
    return round(2 * width * fraction)


def _level_colour(cell: int, width: int) -> str:
    dbfs = FLOOR_DBFS * (1.0 - (cell + 0.5) / width)
    if dbfs > HOT_DBFS:
        return palette.BAD
    return palette.WARN if dbfs > LOUD_DBFS else palette.GOOD


def sparkline(history: Sequence[Column], width: int, *, rows: int = 1, stale: bool = False) -> list[Text]:
    """The last windows, newest right.

    Top row first; a window that was not scored is a dot on the lowest row.
    """
    shown = list(history)[-width:] if width > 0 else []
    columns = [(0, palette.FAINT)] * (max(0, width) - len(shown))
    for window in shown:
        colour = palette.FAINT if not window.counts else palette.GOOD if window.reached else palette.DIM
        columns.append((_eighths(window.share, rows), palette.FAINT if stale else colour))
    return [_spark_row(columns, row) for row in reversed(range(rows))]


def _eighths(share: float | None, rows: int) -> int:
    """Height of a column, 1 to 8 a row; 0: nothing to show."""
    return 0 if share is None else min(1 + int(share * 8 * rows), 8 * rows)


def _spark_row(columns: Sequence[tuple[int, str]], row: int) -> Text:
    line = Text()
    for height, colour in columns:
        part = min(8, height - 8 * row)
        glyph = BARS[part - 1] if part > 0 else " "
        line.append("·" if height == 0 and row == 0 else glyph, colour if height else palette.FAINT)
    return line
