"""Lay text out in terminal cells: exact widths, whatever the text."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from .. import palette
from ..words import clean


def cell(text: str, width: int) -> str:
    """Exactly `width` cells; what is too long ends in an ellipsis."""
    text = clean(text)
    if cell_len(text) > width:
        text = set_cell_size(text, max(0, width - 1)) + "…"
    return set_cell_size(text, width)


def fit(line: Text, width: int) -> Text:
    """At most `width` cells."""
    if line.cell_len > width:
        line = line.copy()
        line.truncate(width, overflow="ellipsis")
    return line


def both_ends(left: Text, right: Text, width: int) -> Text:
    """Left and right with the gap between; the right one may take half of the line, the left gives way."""
    right = fit(right, max(0, width // 2))
    left = fit(left, max(1, width - right.cell_len - 2))
    return Text.assemble(left, " " * max(1, width - left.cell_len - right.cell_len), right)


def heading(title: str, note: str, width: int) -> Text:
    """A title on a rule, with a note at its right end."""
    right = Text(f" {note}" if note else "", palette.DIM)
    rule = "─" * max(0, width - cell_len(title) - 1 - right.cell_len)
    return Text.assemble((title, f"bold {palette.ACCENT}"), " ", (rule, palette.FAINT), right)


def more(count: int) -> str:
    """Say how many are not shown."""
    return f"+{count} more" if count > 0 else ""
