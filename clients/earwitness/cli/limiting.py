"""Checks are counted by the daemon: after some failures in a row, the next has to wait."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Literal, TypeVar

from ..checking import STATUS, Answer, GroupCheck, Question
from ..control import CheckBegun, Control, ControlError, NoDaemon
from ..endpoints import control_beside
from ..words import clean, span
from .connection import Connection

Q = TypeVar("Q", bound=Question)
Ask = Callable[[Connection, Q, float], Answer]
PATIENCE_S = 1.0
Outcome = Literal["verified", "other", "inconclusive"]
OUTCOMES: dict[str, Outcome] = {"verified": "verified", "other": "other"}


def limited(ask: Ask[Q]) -> Ask[Q]:
    """Ask the daemon first whether they may be checked now, and tell it afterwards how it ended.

    Where its control socket cannot be reached, the check goes on uncounted: verdicts need events alone.
    """

    @wraps(ask)
    def counted(connection: Connection, question: Q, within_s: float) -> Answer:
        control = _control(connection)
        if control is None:
            return ask(connection, question, within_s)
        name, group = question.asked, isinstance(question, GroupCheck)
        with control:
            begun = _told(lambda: control.begin_check(name, group=group))
            if begun and begun.wait_s > 0.0:
                return _must_wait(name, begun, group=group)
            answer = ask(connection, question, within_s)
            if begun:
                outcome: Outcome = OUTCOMES.get(answer.result, "inconclusive")
                _told(lambda: control.end_check(name, begun.attempt, outcome, group=group))
        return answer

    return counted


def _control(connection: Connection) -> Control | None:
    endpoint = connection.control or control_beside(connection.events)
    if endpoint is None:
        return None
    if endpoint.startswith("ipc://") and not Path(endpoint.removeprefix("ipc://")).exists():
        return None  # nobody answers there: that must not cost the time to speak
    return Control(endpoint, keys=connection.keys(), timeout_s=PATIENCE_S)


def _told(ask: Callable[[], Any]) -> Any:
    """What the daemon answers; None if it does not, or knows nobody of that name."""
    try:
        return ask()
    except (NoDaemon, ControlError):
        return None


def _must_wait(name: str, begun: CheckBegun, *, group: bool) -> Answer:
    return Answer(
        speaker=None if group else name,
        group=name if group else None,
        result="inconclusive",
        status=STATUS["inconclusive"],
        stream=None,
        message=f"{clean(name)} is not checked: {begun.failures} checks in a row have failed, "
        f"wait {span(begun.wait_s)}",
        event=None,
        wait_s=begun.wait_s,
    )
