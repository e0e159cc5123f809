"""`earwitness check`: is it them, or anyone of a group?"""

from __future__ import annotations

import math
import sys
import time
from typing import Annotated

import typer

from ..checking import STATUS, Answer, Check, GroupCheck, Question
from ..subscription import subscribe
from .connection import Connection, fail, print_json
from .durations import duration_option
from .limiting import limited

REFUSED_S = 2.0  # nobody listens there, but a daemon may just be starting
SILENCE_S = 5.0  # nothing is said at all: a host that is away, or a machine that stands still
PATIENCE_S = {True: math.inf, False: REFUSED_S, None: SILENCE_S}


def check(
    context: typer.Context,
    speaker: Annotated[str | None, typer.Argument(metavar="NAME", show_default=False)] = None,
    group: Annotated[
        str | None,
        typer.Option(metavar="GROUP", help="Anyone of this group, or on this watchlist.", show_default=False),
    ] = None,
    stream: Annotated[
        str | None, typer.Option(metavar="STREAM", help="Only there.", show_default=False)
    ] = None,
    within: Annotated[float, duration_option("How long they may take to speak.", shown="5s")] = 5.0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask whether a person, or anyone of a group, is speaking: yes at once, no when the time is over.

    Exit status 0: verified. 1: somebody else, or an unknown voice. 2: inconclusive, nothing was decided.
    3: no daemon. A verdict counts only within its time to live. After five failures in a row the daemon makes
    the next check for that person or group wait: 2, with `wait_s`.

    This is evidence, not a login. Voices can be imitated, recorded and cloned: in scripts, screen locks and
    logins use it beside another factor, never instead of one.
    """
    connection: Connection = context.obj
    try:
        answer = ask(connection, _question(speaker, group, stream, within), within)
    except (OSError, ValueError) as error:
        fail(str(error), STATUS["inconclusive"])  # 1 would say that somebody else speaks
        raise
    if as_json:
        print_json(answer)
    elif not quiet:
        print(answer.message, file=sys.stderr if answer.result == "no_daemon" else sys.stdout)
    raise typer.Exit(answer.status)


def _question(speaker: str | None, group: str | None, stream: str | None, within_s: float) -> Question:
    if speaker is not None and group is None:
        return Check(speaker, stream, within_s)
    if group is not None and speaker is None:
        return GroupCheck(group, stream, within_s)
    raise ValueError("ask either for a NAME or for a --group")


@limited
def ask(connection: Connection, question: Question, within_s: float) -> Answer:
    """Listen until there is an answer."""
    topics = ["speaker", "group", "watchlist", "daemon.started", "heartbeat"]
    began = time.monotonic()
    with subscribe(connection.events, topics, keys=connection.keys(), fill=False) as subscription:
        while True:
            left_s = max(0.0, began + min(within_s, PATIENCE_S[question.connected]) - time.monotonic())
            item = subscription.receive(left_s)  # with no time left, what has come already
            if item is None and left_s == 0.0:
                return question.at_the_end()
            answer = item and question.on_item(item, time.monotonic(), time.time())
            if answer:
                return answer
