"""`earwitness record`: keep events in a file."""

from __future__ import annotations

import math
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ..notices import Notice
from ..recording import Recorder
from ..subscription import Message, Subscription, subscribe_messages
from .connection import NO_DAEMON, Connection, fail
from .durations import duration_option
from .stopping import ended_by_signals


def record(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Appended to, if it is a recording.")],
    length: Annotated[float | None, duration_option("Stop after so long.", "--for")] = None,
    topics: Annotated[
        list[str] | None,
        typer.Option(metavar="TOPIC", help="May be given several times; default all.", show_default=False),
    ] = None,
) -> None:
    """Write events to a file, a JSON line each, until --for is over or Ctrl-C.

    A line is {"received": TIME, "event": BODY}, or "notice" for losses and restarts. Python reads it by
    earwitness.recording.read(FILE).
    """
    connection: Connection = context.obj
    with (
        Recorder(file) as recorder,
        subscribe_messages(
            connection.events, topics or (), keys=connection.keys(), control=connection.control
        ) as subscription,
        ended_by_signals(subscription),
    ):
        heard = _record(subscription, recorder, length)
    if not heard:
        fail(f"no events came from {subscription.endpoint}: is earwitnessd running?", NO_DAEMON)
    print(f"{recorder.events} events written to {file}", file=sys.stderr)


def _record(subscription: Subscription[Message | Notice], recorder: Recorder, length_s: float | None) -> bool:
    """Write until the end; whether the daemon was ever heard."""
    heard = False
    end = math.inf if length_s is None else time.monotonic() + length_s
    while not subscription.stopped and (left_s := end - time.monotonic()) > 0:
        item = subscription.receive(None if math.isinf(left_s) else left_s)
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if isinstance(item, Message):
            recorder.add_event(item.body, now)
        elif item is not None:
            recorder.add_notice(item, now)
        heard = heard or subscription.connected
    return heard
