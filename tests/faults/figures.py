"""What each fault cost: a line a test, gathered in one table."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

FILE_VARIABLE = "EARWITNESS_FAULT_FIGURES"
# names a file that takes one JSON object a line, for `python -m tests.faults.report`


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One fault and its price."""

    family: str
    fault: str
    lost: str
    """for people, with units; "nothing" where nothing was"""
    back_s: float | None
    """from the fault's end, or from the fault where it has none, until all was as before; None: never away"""
    so: str = ""
    """what the daemon does about it"""


class Figures:
    """Of one run of the tests."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []

    def add(self, figure: Figure) -> None:
        """Keep it, and append it to the file that the environment names."""
        self.figures.append(figure)
        if file := os.environ.get(FILE_VARIABLE):
            with Path(file).open("ab") as out:
                out.write(msgspec.json.encode(figure) + b"\n")


def read(file: Path) -> list[Figure]:
    """The figures in a file; of a fault that was measured twice, the last."""
    lines = file.read_bytes().splitlines()
    figures = [msgspec.json.decode(line, type=Figure) for line in lines if line.strip()]
    return list({(figure.family, figure.fault): figure for figure in figures}.values())


def table(figures: Iterable[Figure]) -> str:
    """Markdown."""
    rows = ["| fault | lost | back after | what the daemon does |", "|---|---|---|---|"]
    for figure in sorted(figures, key=lambda figure: (figure.family, figure.fault)):
        back = "never away" if figure.back_s is None else f"{figure.back_s:.1f} s"
        rows.append(f"| {figure.family}: {figure.fault} | {figure.lost} | {back} | {figure.so} |")
    return "\n".join(rows)


def show(page: Callable[[Path], str], place: Path, usage: str | None, arguments: list[str]) -> int:
    """Print the page of these figures, or write it to its place; the exit status."""
    if not arguments or not Path(arguments[0]).exists():
        print(usage, file=sys.stderr)
        return 2
    text = page(Path(arguments[0]))
    if "--write" in arguments:
        place.write_text(text, encoding="utf-8")
    else:
        print(text)
    return 0
