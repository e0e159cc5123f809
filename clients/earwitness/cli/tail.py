"""`earwitness tail`: events as they come, a line each."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from .. import palette
from ..events import ForeignEvent
from ..notices import Notice
from ..subscription import Message, subscribe_messages
from ..words import Line, clean, describe
from .connection import Connection

INTERRUPTED = 130
TYPE_WIDTH = 16
STREAM_WIDTH = 9


def tail(
    context: typer.Context,
    topics: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TOPIC]...", help="speaker, stream.lost, speaker.verified.desk; default all."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the bodies as they are, one a line.")
    ] = False,
) -> None:
    """Print events as they come. What concerns the connection goes to stderr."""
    connection: Connection = context.obj
    out = Console(soft_wrap=True, highlight=False, markup=False)
    err = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    try:
        with subscribe_messages(
            connection.events, topics or (), keys=connection.keys(), control=connection.control
        ) as subscription:
            for item in subscription:
                if not isinstance(item, Message):
                    err.print(_notice(item))
                elif as_json:
                    sys.stdout.buffer.write(item.body + b"\n")
                    sys.stdout.buffer.flush()
                else:
                    out.print(human_line(item))
                    sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has enough; the interpreter must not try to flush the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def human_line(message: Message) -> Text:
    """Clock, type, stream and what happened, in columns."""
    event = message.event
    if isinstance(event, ForeignEvent):
        line, time, stream = Line("a type that this version does not know; see --json", "warn"), "", ""
    else:
        line, time, stream = describe(event), event.time, getattr(event, "stream", "")
    return Text.assemble(
        (f"{_clock(time):<13}", palette.DIM),
        (f"{clean(event.type):<{TYPE_WIDTH}} ", palette.TONES[line.tone]),
        (f"{clean(stream):<{STREAM_WIDTH}} ", "bold"),
        (line.text, "" if line.tone == "calm" else palette.TONES[line.tone]),
        (" (last value)" if event.replayed else "", palette.DIM),
    )


def _clock(time: str) -> str:
    try:
        return datetime.fromisoformat(time).astimezone().strftime("%H:%M:%S.%f")[:-3]
    except ValueError:
        return ""


def _notice(notice: Notice) -> Text:
    line = describe(notice)
    return Text(f"-- {line.text}", palette.TONES[line.tone])
