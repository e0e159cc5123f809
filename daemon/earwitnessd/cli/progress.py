"""A bar on a terminal, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Advance(Protocol):
    """Moves a bar."""

    def __call__(self, done: float, of: float | None = None, /) -> None:
        """So much is done; of how much, where that was not known before."""


@contextmanager
def progress(doing: str, of: float | None = None) -> Iterator[Advance]:
    """While this lasts; the bar goes when it ends."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(doing, total=of)

        def advance(done: float, of: float | None = None, /) -> None:
            bar.update(task, completed=done, total=of)

        yield advance
