"""Draw levels and histories with characters."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from .. import palette

FLOOR_DBFS = -60.0
LOUD_DBFS = -12.0
HOT_DBFS = -3.0
BARS = "▁▂▃▄▅▆▇█"
BELOW, ABOVE = 0.5, 0.25  # how much of the cosine axis around the threshold is shown


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


def sparkline(
    cosines: Sequence[tuple[float | None, bool]],
    threshold: float | None,
    width: int,
    *,
    rows: int = 1,
    stale: bool = False,
) -> list[Text]:
    """The last windows, newest right: (cosine or None if not scored, whether it decided anything).

    Top row first; a window that was not scored is a dot on the lowest row.
    """
    shown = list(cosines)[-width:] if width > 0 else []
    columns = [(0, palette.FAINT)] * (max(0, width) - len(shown))
    for cosine, conclusive in shown:
        height = _eighths(cosine, threshold, rows)
        accepted = height and threshold is not None and cosine is not None and cosine >= threshold
        colour = palette.GOOD if accepted and conclusive else palette.DIM if conclusive else palette.FAINT
        columns.append((height, palette.FAINT if stale else colour))
    return [_spark_row(columns, row) for row in reversed(range(rows))]


def _eighths(cosine: float | None, threshold: float | None, rows: int) -> int:
    """Height of a column, 1 to 8 a row; 0: nothing to show."""
    if cosine is None or not math.isfinite(cosine):
        return 0
    middle = 0.5 if threshold is None or not math.isfinite(threshold) else threshold
    low, high = max(-1.0, middle - BELOW), min(1.0, middle + ABOVE)
    share = (cosine - low) / (high - low) if high > low else 0.0
    return min(max(1 + int(share * 8 * rows), 1), 8 * rows)


def _spark_row(columns: Sequence[tuple[int, str]], row: int) -> Text:
    line = Text()
    for height, colour in columns:
        part = min(8, height - 8 * row)
        glyph = BARS[part - 1] if part > 0 else " "
        line.append("·" if height == 0 and row == 0 else glyph, colour if height else palette.FAINT)
    return line
