"""`earwitness watch`: the dashboard."""

from __future__ import annotations

import sys

import typer

from ..subscription import subscribe
from .connection import USAGE, Connection, fail


def watch(context: typer.Context) -> None:
    """Show streams, speakers, scores and losses live. q or Ctrl-C quits."""
    if not sys.stdout.isatty():
        fail("watch needs a terminal; `earwitness tail` writes lines", USAGE)
    from rich.console import Console

    from ..dashboard.watch import watch as show

    connection: Connection = context.obj
    with subscribe(connection.events, keys=connection.keys(), control=connection.control) as subscription:
        show(subscription, Console())
