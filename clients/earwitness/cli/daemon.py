"""`earwitness status`, `pause`, `resume` and `reload`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from .. import palette
from ..control import Status
from ..events import StreamState
from ..words import clean, following, number, span
from .connection import Connection, print_json, show, table

StreamName = Annotated[str, typer.Argument(metavar="STREAM", help="The stream's name in the settings.")]


def status(
    context: typer.Context,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole answer as one JSON object.")
    ] = False,
) -> None:
    """Show what the daemon is, does and has lost."""
    connection: Connection = context.obj
    with connection.ask() as control:
        answer = control.status()
    if as_json:
        print_json(answer)
        return
    show(_summary(answer))
    if answer.heartbeat.streams:
        show(stream_table(answer.heartbeat.streams))


def pause(context: typer.Context, stream: StreamName) -> None:
    """Let go of a stream's device."""
    connection: Connection = context.obj
    with connection.ask() as control:
        print(clean(control.pause(stream).message))


def resume(context: typer.Context, stream: StreamName) -> None:
    """Open a paused stream again."""
    connection: Connection = context.obj
    with connection.ask() as control:
        print(clean(control.resume(stream).message))


def reload(context: typer.Context) -> None:
    """Make the daemon read settings and profiles again."""
    connection: Connection = context.obj
    with connection.ask() as control:
        answer = control.reload()
    changed = ", ".join(answer.changed) or "nothing changed"
    print(f"reloaded, {answer.profiles} profiles; settings: {clean(changed)}")
    if answer.restart_needed:
        print(f"in force only after a restart: {clean(', '.join(answer.restart_needed))}")


def _summary(answer: Status) -> Table:
    beat = answer.heartbeat
    grid = Table.grid(padding=(0, 2))
    unusable = f" ({beat.profiles_other_model} of another model)" if beat.profiles_other_model else ""
    engine = beat.engine
    life = f"up {span(beat.uptime_s)}, {number(beat.rss_mb, '.0f')} MB"
    rows = {
        "earwitnessd": f"{answer.version}, pid {answer.pid}, {life}",
        "status": beat.status,
        "model": f"{engine.model} on {engine.device}, {number(100 * engine.busy, '.0f')} % busy",
        "profiles": f"{beat.profiles}{unusable}",
        "events": f"{beat.sockets.events} published, {beat.sockets.subscriptions} subscriptions",
    }
    if beat.following:
        why = f": {beat.following.reason}" if beat.following.reason else ""
        rows["follows"] = f"{following(beat.following)}{why}"
    for name, value in rows.items():
        grid.add_row(Text(name, palette.DIM), Text(clean(value)))
    return grid


def stream_table(streams: list[StreamState]) -> Table:
    """One a line."""
    rows = table("stream", "state", "speaker", "level", "lag", "lost", "device")
    for stream in streams:
        trouble = f": {stream.reason}" if stream.reason else ""
        rows.add_row(
            Text(clean(stream.stream), "bold"),
            Text(clean(stream.state + trouble), palette.GOOD if stream.state == "live" else palette.WARN),
            Text(clean(stream.speaker or ("speech" if stream.speaking else "silence"))),
            Text(f"{number(stream.level_dbfs, '.0f')} dBFS"),
            Text(f"{number(stream.lag_ms, '.0f')} ms"),
            Text(f"{number(stream.lost_samples / 16_000)} s"),
            Text(clean(stream.device), palette.DIM),
        )
    return rows
