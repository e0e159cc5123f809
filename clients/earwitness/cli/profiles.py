"""`earwitness profiles`: list, show, delete, rename, remove-session, follow-anew."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from .. import palette
from ..control import ProfileSummary
from ..words import clean, day, span
from .connection import Connection, print_json, show, table
from .profile_page import page

profiles = typer.Typer(name="profiles", help="The enrolled people.", invoke_without_command=True)

Name = Annotated[str, typer.Argument(metavar="NAME")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@profiles.callback()
def _profiles(context: typer.Context) -> None:
    """The enrolled people; without a command, list them."""
    if context.invoked_subcommand is None:
        list_all(context)


@profiles.command(name="list")
def list_all(context: typer.Context, as_json: AsJson = False) -> None:
    """List everybody."""
    connection: Connection = context.obj
    with connection.ask() as control:
        answer = control.profiles()
    if as_json:
        print_json(answer)
        return
    if not answer.profiles:
        print("nobody is enrolled: earwitness enroll NAME")
        return
    rows = table("name", "sessions", "speech", "created", "")
    for person in answer.profiles:
        unusable = person.exemplars - person.usable
        rows.add_row(
            Text(clean(person.name), "bold"),
            f"{person.exemplars}",
            span(person.speech_s),
            day(person.created),
            Text(unusable_words(person) if unusable else "", palette.WARN),
        )
    show(rows)


@profiles.command(name="follow-anew")
def follow_anew(
    context: typer.Context,
    sure: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """At a daemon that follows another: take that one's people as they are, in place of all here."""
    connection: Connection = context.obj
    if not sure:
        typer.confirm("Everybody here who is not enrolled at the writer is deleted. Go on?", abort=True)
    with connection.ask() as control:
        print(clean(control.follow_anew().message))


@profiles.command(name="show")
def show_one(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Explain a profile: its sessions, how good it is, who comes close, what would make it better."""
    connection: Connection = context.obj
    with connection.ask() as control:
        person = control.profile(name)
    if as_json:
        print_json(person)
        return
    show(*page(person))


@profiles.command()
def delete(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Forget a person and all sessions."""
    connection: Connection = context.obj
    if not yes and not typer.confirm(f"Forget {name} and all sessions? This cannot be undone", err=True):
        raise typer.Exit(1)
    with connection.ask() as control:
        print(clean(control.delete_profile(name).message))


@profiles.command()
def rename(
    context: typer.Context, name: Name, new_name: Annotated[str, typer.Argument(metavar="NEW")]
) -> None:
    """Give a person another name."""
    connection: Connection = context.obj
    with connection.ask() as control:
        print(clean(control.rename_profile(name, new_name).message))


@profiles.command()
def remove_session(
    context: typer.Context,
    name: Name,
    session: Annotated[int, typer.Argument(metavar="SESSION", help="Its number in `profiles show`.")],
) -> None:
    """Forget one session of a person; the last one stays."""
    connection: Connection = context.obj
    with connection.ask() as control:
        print(clean(control.remove_session(name, session).message))


def unusable_words(person: ProfileSummary) -> str:
    """What is to be done about sessions of another model."""
    if person.renewing:
        return "of another model: being made anew from the audio that was kept"
    return f"{person.exemplars - person.usable} of another model: enrol again"
