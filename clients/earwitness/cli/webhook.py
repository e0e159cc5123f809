"""`earwitness webhook`: post events to a URL."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..subscription import subscribe_messages
from .connection import Connection
from .durations import duration_option
from .stopping import ended_by_signals


def webhook(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to post to: https://HOST/PATH.")],
    topics: Annotated[
        list[str] | None,
        typer.Option(metavar="TOPIC", help="May be given several times.", show_default="speaker"),
    ] = None,
    secret_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Sign with this secret.", show_default=False)
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Remembers the last event; default in ~/.local/state.", show_default=False
        ),
    ] = None,
    timeout: Annotated[float, duration_option("How long an answer may take.", shown="10s")] = 10.0,
    backoff: Annotated[float, duration_option("The first wait before trying again.", shown="1s")] = 1.0,
    backoff_max: Annotated[float, duration_option("The longest.", shown="1m")] = 60.0,
    queue: Annotated[
        int, typer.Option(metavar="EVENTS", help="How many may wait; then the oldest go.", min=1)
    ] = 10_000,
) -> None:
    """POST each event as JSON, in order, at least once.

    2xx is an acknowledgement. 408, 429, 5xx, redirects and no answer are tried again, ever more slowly; other
    4xx are said here and left out. Idempotency-Key is the same at each attempt. With --secret-file,
    X-Earwitness-Signature is t=UNIXTIME,v1=HEX, the HMAC-SHA256 of "UNIXTIME.BODY"; Python checks it with
    earwitness.webhook.verify.

    After a restart the state-bearing events since the last acknowledged one are made up for, as far as the
    daemon keeps them. What cannot be had is posted as {"type": "webhook.missed", "count": N}; null: nobody
    knows how many.
    """
    from importlib.metadata import version

    from ..webhook.bookmark import Bookmark, default_file
    from ..webhook.courier import Courier
    from ..webhook.post import Target
    from ..webhook.schedule import BackOff

    connection: Connection = context.obj
    topics = topics or ["speaker"]
    target = Target(url, timeout)
    secret = None if secret_file is None else _secret(secret_file)
    with (
        Bookmark(state or default_file(url)) as bookmark,
        subscribe_messages(
            connection.events, topics, keys=connection.keys(), control=connection.control
        ) as subscription,
        ended_by_signals(subscription, target.abort) as ending,
    ):
        if bookmark.trouble:
            _say(bookmark.trouble)
        courier = Courier(
            subscription,
            target,
            bookmark,
            topics=topics,
            control=connection.ask,
            back_off=BackOff(first_s=backoff, most_s=backoff_max),
            secret=secret,
            most=queue,
            agent=f"earwitness/{version('earwitness')}",
            say=_say,
        )
        try:
            courier.run()
        finally:
            _say(courier.summary)
    raise typer.Exit(ending.status)


def _secret(file: Path) -> bytes:
    secret = file.read_bytes().strip()
    if not secret:
        raise ValueError(f"{file} holds no secret")
    if file.stat().st_mode & 0o077:
        _say(f"others may read {file}: chmod 600 {file}")
    return secret


def _say(text: str) -> None:
    print(f"earwitness: {text}", file=sys.stderr, flush=True)
