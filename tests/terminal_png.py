"""Draw a terminal as a picture: `tmux capture-pane -e -p | terminal_png.py OUT.png WIDTH HEIGHT`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pyte
from PIL import Image, ImageDraw, ImageFont

FONTS = Path("/usr/share/fonts/truetype/dejavu")  # Debian: fonts-dejavu-core
SIZE = 17  # pixels
PADDING = 14
BACKGROUND, FOREGROUND = "#14161b", "#d8dce4"
BLOCKS = "▁▂▃▄▅▆▇█"
NAMED = {
    "black": "#1d2026",
    "red": "#d9676b",
    "green": "#7fb685",
    "brown": "#d9a441",
    "blue": "#7aa2d4",
    "magenta": "#b58bd0",
    "cyan": "#6fb3b8",
    "white": "#d8dce4",
}


def screen_of(text: str, columns: int, lines: int) -> Any:
    """What a terminal of that size shows after printing the text."""
    screen = pyte.Screen(columns, lines)
    pyte.Stream(screen).feed(text.rstrip("\n").replace("\n", "\r\n"))
    return screen


def draw(screen: Any) -> Image.Image:
    """One picture, every character in its cell."""
    regular = ImageFont.truetype(FONTS / "DejaVuSansMono.ttf", SIZE)
    bold = ImageFont.truetype(FONTS / "DejaVuSansMono-Bold.ttf", SIZE)
    cell_width = round(regular.getlength("M"))
    ascent, descent = regular.getmetrics()
    cell_height = ascent + descent
    size = (cell_width * screen.columns + 2 * PADDING, cell_height * screen.lines + 2 * PADDING)
    image = Image.new("RGB", size, BACKGROUND)
    pen = ImageDraw.Draw(image)
    for row in range(screen.lines):
        for column in range(screen.columns):
            cell = screen.buffer[row][column]
            ink, paper = _colour(cell.fg, FOREGROUND), _colour(cell.bg, BACKGROUND)
            if cell.reverse:
                ink, paper = paper, ink
            x, y = PADDING + column * cell_width, PADDING + row * cell_height
            if paper != BACKGROUND:
                pen.rectangle((x, y, x + cell_width - 1, y + cell_height - 1), fill=paper)
            if cell.data in BLOCKS:  # exactly to the cell's edges, which no font does
                part = cell_height * (BLOCKS.index(cell.data) + 1) // 8
                pen.rectangle((x, y + cell_height - part, x + cell_width - 1, y + cell_height - 1), fill=ink)
            elif cell.data.strip():
                pen.text((x, y), cell.data, fill=ink, font=bold if cell.bold else regular)
    return image


def _colour(name: str, default: str) -> str:
    if name == "default":
        return default
    return NAMED.get(name.removeprefix("bright"), f"#{name}" if len(name) == 6 else default)


def main() -> None:
    out, columns, lines = sys.argv[1:]
    draw(screen_of(sys.stdin.read(), int(columns), int(lines))).save(out)


if __name__ == "__main__":
    main()
