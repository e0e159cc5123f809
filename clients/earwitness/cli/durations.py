"""Options that are durations."""

from __future__ import annotations

from typing import Any

import typer

from ..durations import parse_duration


def duration_option(text: str, *names: str, shown: str | bool = False) -> Any:  # typer's own type too
    """An option that reads 500ms, 5s or 2m as seconds."""
    return typer.Option(*names, parser=_seconds, metavar="DURATION", help=text, show_default=shown)


def _seconds(value: str | float) -> float:
    if not isinstance(value, str):
        return value  # a default
    try:
        return parse_duration(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
