"""`earwitness enroll`: from a running stream, or from recordings."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from .. import palette
from ..control import Control, ControlError, Enrolled, Enrolment, NoDaemon
from ..events import AnyEvent, EnrollProgress
from ..notices import Connected, Notice, Restarted
from ..subscription import Subscription, subscribe
from ..words import clean, number, sessions, span
from .connection import FAILED, Connection, fail

CONNECT_S = 3.0
GRACE_S = 10.0  # beyond the enrolment's own time limit


def enroll(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits, _ and -.")],
    stream: Annotated[
        str | None,
        typer.Option(metavar="STREAM", help="Listen there; needed if there are several.", show_default=False),
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A recording; may be given several times.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    label: Annotated[
        str, typer.Option(metavar="TEXT", help="What channel the files are of: headset, phone.")
    ] = "",
    speech: Annotated[
        float, typer.Option(metavar="SECONDS", help="Net speech to collect.", min=2, max=300)
    ] = 12.0,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="Give up after.", min=5, max=3600)
    ] = 120.0,
    consent: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="What they agreed to, or where that is written.", show_default=False
        ),
    ] = None,
) -> None:
    """Enrol a person: talk until the bar is full, or give recordings. Ctrl-C cancels."""
    if file and stream:
        raise typer.BadParameter("--file and --stream exclude each other")
    connection: Connection = context.obj
    with connection.ask() as control:
        if file:
            _from_files(control, name, file, label, consent)
        else:
            _from_stream(connection, control, name, stream, speech, timeout, consent)


def _from_files(control: Control, name: str, files: list[Path], label: str, consent: str | None) -> None:
    refused = 0
    for file in files:
        try:
            answer = control.enroll_audio(name, file, label=label, consent=consent)
        except ControlError as error:
            refused += 1
            Console(stderr=True, highlight=False, markup=False).print(f"{file}: {error.message}")
            continue
        print(
            f"{file}: {clean(answer.name)} has {sessions(answer.exemplars)} now, "
            f"{_quality(answer, answer.snr_db)}"
        )
        for warning in answer.warnings:
            print(f"  {clean(warning)}")
    if refused:
        fail(f"{refused} of {len(files)} recordings refused", FAILED)


def _from_stream(
    connection: Connection,
    control: Control,
    name: str,
    stream: str | None,
    speech_s: float,
    timeout_s: float,
    consent: str | None,
) -> None:
    # Listening begins first, or the first progress would be lost.
    with subscribe(connection.events, ["enroll.progress"], keys=connection.keys()) as subscription:
        _await_connection(subscription)
        enrolment = control.enroll_live(name, stream, speech_s=speech_s, timeout_s=timeout_s, consent=consent)
        try:
            last = _follow(subscription, enrolment, name, timeout_s + GRACE_S)
        except KeyboardInterrupt:
            control.cancel_enrollment(enrolment.enrolment)
            fail(f"cancelled; {name} was not enrolled", FAILED)
            return
    if last.state == "done":
        print(f"{name} is enrolled from {_quality(last, last.session_snr_db)}")
        for warning in last.warnings:
            print(f"  {clean(warning)}")
    else:
        fail(f"{name} was not enrolled, {last.state}: {clean(last.hint)}", FAILED)


def _quality(heard: Enrolled | EnrollProgress, snr_db: float | None) -> str:
    """What the new session rests on."""
    llr = heard.consistency_llr
    consistency = number(heard.consistency) if llr is None else f"{number(llr, '+.1f')} nats"
    channel = f", {clean(heard.channel)}" if heard.channel else ""
    snr = f"SNR {number(snr_db, '.0f')} dB"
    return f"{span(heard.speech_s)} of speech{channel}, {snr}, consistency {consistency}"


def _await_connection(subscription: Subscription[AnyEvent | Notice]) -> None:
    end = time.monotonic() + CONNECT_S
    while (left_s := end - time.monotonic()) > 0:
        if isinstance(subscription.receive(left_s), Connected):
            return
    raise NoDaemon(
        subscription.endpoint,
        f"no events come from {subscription.endpoint}: is earwitnessd running, and is --events right?",
    )


def _follow(
    subscription: Subscription[AnyEvent | Notice], enrolment: Enrolment, name: str, patience_s: float
) -> EnrollProgress:
    """Show the progress until the daemon says how it ended."""
    end = time.monotonic() + patience_s
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30, complete_style=palette.ACCENT, finished_style=palette.GOOD),
        TextColumn("{task.completed:.1f} of {task.total:.0f} s of speech"),
        TextColumn("{task.fields[hint]}", style=palette.DIM),
    )
    with Progress(*columns, console=Console(stderr=True, highlight=False)) as progress:
        task = progress.add_task(
            f"{name} on {clean(enrolment.stream)}", total=enrolment.needed_s, hint="please talk"
        )
        while (left_s := end - time.monotonic()) > 0:
            match subscription.receive(left_s):
                case EnrollProgress() as event if event.enrolment == enrolment.enrolment:
                    hint = clean(event.hint).replace("[", "(")
                    progress.update(task, completed=event.speech_s, total=event.needed_s, hint=hint)
                    if event.state != "listening":
                        return event
                case Restarted():
                    raise ControlError("unavailable", f"the daemon was restarted; {name} was not enrolled")
                case _:
                    pass
    raise ControlError("unavailable", f"the daemon said nothing about the end of enrolling {name}")
