"""`earwitness on`: run a command when somebody else speaks."""

from __future__ import annotations

import shutil
import signal
import sys
from typing import Annotated, Any

import typer
import typer.core

from ..reacting.wish import Moment
from ..subscription import subscribe
from .connection import USAGE, Connection, fail
from .durations import duration_option
from .stopping import ended_by_signals

COMMAND = "earwitness.command"


class CommandAfterDashes(typer.core.TyperCommand):
    """What follows `--` is no argument of ours."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # older versions of typer use click's type
        """Keep what follows `--` apart."""
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[COMMAND] = args[at + 1 :]
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Say so in the usage."""
        return [*super().collect_usage_pieces(ctx), "-- CMD [ARG]..."]


def on(
    context: typer.Context,
    moment: Annotated[
        Moment,
        typer.Argument(
            metavar="MOMENT",
            help="What to wait for: verified, lost, unknown, changed, any or hit.",
            show_default=False,
        ),
    ],
    speaker: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Only about this person.", show_default=False)
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            metavar="GROUP", help="About anyone of this group, or on this watchlist.", show_default=False
        ),
    ] = None,
    stream: Annotated[
        str | None, typer.Option(metavar="STREAM", help="Only there.", show_default=False)
    ] = None,
    debounce: Annotated[
        float, duration_option("A change counts once it has held for so long.", shown="1s")
    ] = 1.0,
    timeout: Annotated[
        float | None, duration_option("End the command, and all it started, after so long.")
    ] = None,
    initial: Annotated[
        bool, typer.Option("--initial", help="What is so already when we connect counts as a change.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Run the command once and end with its exit status.")
    ] = False,
) -> None:
    """Run a command whenever somebody else speaks: never twice at once, the latest change waits.

    verified: a person (NAME) is verified. lost: nobody is heard any more; with NAME: that person, who was
    verified, no longer is, whoever speaks now. unknown: a voice that is not enrolled. changed: another voice
    takes over from a verified one. any: each of these. hit: anyone on a watchlist speaks, on any of them
    or on --group.

    With --group, verified, lost and any are about the group: anyone of it is verified, whoever it is; nobody
    of it is heard any more.

    The command gets the event as JSON on stdin, and its fields in the environment: EARWITNESS_TYPE, _STREAM,
    _SPEAKER, _PREVIOUS, _GROUP, _SCORE, _TIME and so on, and _PASSED_OVER: how many changes were too short,
    or came while the command ran. If the daemon falls silent, an event that it is lost, with the reason
    "expired" and seq 0, is made up when the time to live is over.

    A voice is evidence, not a login.
    """
    from ..reacting import Reactor, Settling, Wish

    command: list[str] = context.meta[COMMAND]
    if not command:
        fail(f"say the command after --: earwitness on {moment.value} -- notify-send hello", USAGE)
    if shutil.which(command[0]) is None:
        fail(f"there is no command {command[0]!r}", USAGE)
    try:
        wish = Wish(moment=moment, speaker=speaker, stream=stream, group=group)
    except ValueError as error:
        fail(str(error), USAGE)
        raise
    connection: Connection = context.obj
    with (
        subscribe(
            connection.events, wish.topics, keys=connection.keys(), control=connection.control
        ) as subscription,
        ended_by_signals(subscription) as ending,
    ):
        reactor = Reactor(
            subscription,
            wish,
            command,
            settling=Settling(debounce, initial=initial),
            timeout_s=timeout,
            say=_say,
        )
        signal.signal(signal.SIGCHLD, lambda *_: subscription.wake())
        status = reactor.react(once=once)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if status is not None:
        raise typer.Exit(status if status >= 0 else 128 - status)
    raise typer.Exit(ending.status)


def _say(text: str) -> None:
    print(f"earwitness: {text}", file=sys.stderr, flush=True)
