"""`earwitness profiles export`, `import` and `keep`: people who travel, and the terms they are kept on."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..words import clean
from .connection import FAILED, Connection, fail

Name = Annotated[str, typer.Argument(metavar="NAME")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Its content in place of a passphrase, such as a key of `earwitnessd templates new-key`.",
        exists=True,
        dir_okay=False,
        show_default=False,
    ),
]


def export(
    context: typer.Context,
    name: Name,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")],
    key_file: KeyFile = None,
) -> None:
    """Write a person with all sessions to an encrypted file, for another machine.

    The passphrase is asked for, or read from the first line of standard input if that is no terminal.
    """
    connection: Connection = context.obj
    passphrase = _passphrase(key_file, again=True)
    with connection.ask() as control:
        exported = control.export_profile(name, passphrase)
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        fail(f"{output} exists already: name another file", FAILED)
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(exported.content)
    print(f"{output}: {clean(exported.name)} with {exported.sessions} sessions, encrypted")


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False)],
    key_file: KeyFile = None,
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Another name than there.", show_default=False)
    ] = None,
) -> None:
    """Enrol a person that was exported on another machine with the same model."""
    connection: Connection = context.obj
    passphrase = _passphrase(key_file, again=False)
    with connection.ask() as control:
        print(clean(control.import_profile(file.read_bytes(), passphrase, name).message))


def keep(
    context: typer.Context,
    name: Name,
    consent: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="What they agreed to, or where that is written.", show_default=False
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="Delete them on this day, 2027-01-31; or: never.", show_default=False
        ),
    ] = None,
) -> None:
    """Record a person's consent, or until when they are kept; without options, show both."""
    connection: Connection = context.obj
    with connection.ask() as control:
        end = "" if until == "never" else until
        print(clean(control.keep_profile(name, consent=consent, keep_until=end).message))


def _passphrase(key_file: Path | None, *, again: bool) -> str:
    if key_file is not None:
        return key_file.read_text(encoding="utf-8").strip()
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    entered: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=again, err=True)
    return entered
