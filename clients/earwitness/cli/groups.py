"""`earwitness profiles set` and `earwitness profiles group`: operating points and groups of people."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from .. import palette
from ..control import Profile
from ..words import clean, number, span
from .connection import Connection, fail, print_json, show, table
from .profiles import AsJson, Name

group = typer.Typer(name="group", help="Groups of people: is it anyone of them?", invoke_without_command=True)
Group = Annotated[str, typer.Argument(metavar="GROUP")]


def _rate(text: str) -> typer.models.OptionInfo:
    return typer.Option(metavar="SHARE", help=text, min=1e-6, max=0.5, show_default=False)  # type: ignore[no-any-return]


def set_point(
    context: typer.Context,
    name: Name,
    target_fmr: Annotated[
        float | None, _rate("Of strangers' turns, so many may be taken for this person.")
    ] = None,
    target_fnmr: Annotated[
        float | None, _rate("Of this person's turns, so many may be taken for an unknown voice.")
    ] = None,
    prior: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            help="How likely a voice is this person's and no stranger's, before it is heard.",
            min=1e-9,
            max=1.0 - 1e-9,
            show_default=False,
        ),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="First forget what was set.")] = False,
    as_json: AsJson = False,
) -> None:
    """Decide about one person by other error rates than `decision` in the settings; kept with the profile."""
    if target_fmr is target_fnmr is prior is None and not clear:
        fail("set --target-fmr, --target-fnmr or --prior, or --clear them", 2)
    connection: Connection = context.obj
    with connection.ask() as control:
        person = control.set_profile(
            name, target_fmr=target_fmr, target_fnmr=target_fnmr, prior=prior, clear=clear
        )
    if as_json:
        print_json(person)
    else:
        print(point_of(person))


def point_of(person: Profile) -> str:
    """Say by what is decided about a person."""
    own = {"target_fmr": person.target_fmr, "target_fnmr": person.target_fnmr, "prior": person.prior}
    said = ", ".join(f"{what} {value:g}" for what, value in own.items() if value is not None)
    bound = "" if person.llr_bound is None else f"; verified from {number(person.llr_bound, '+.2f')} nats on"
    return f"{clean(person.name)}: {said or 'as the settings say'}{bound}"


@group.callback()
def _group(context: typer.Context) -> None:
    """Groups of people; without a command, list them."""
    if context.invoked_subcommand is None:
        list_groups(context)


@group.command(name="list")
def list_groups(context: typer.Context, as_json: AsJson = False) -> None:
    """List all groups and watchlists."""
    connection: Connection = context.obj
    with connection.ask() as control:
        answer = control.groups()
    if as_json:
        print_json(answer)
        return
    if not answer.groups:
        print("there are no groups: earwitness profiles group add GROUP NAME...")
        return
    rows = table("group", "members", "", "verified from", "time to live")
    for each in answer.groups:
        rows.add_row(
            Text(clean(each.name), "bold"),
            clean(", ".join(each.members)) or Text("nobody", palette.DIM),
            Text("watchlist", palette.WARN) if each.watchlist else "",
            "" if each.llr_bound is None else f"{number(each.llr_bound, '+.2f')} nats",
            span(each.ttl_s),
        )
    show(rows)


@group.command()
def add(
    context: typer.Context, group: Group, names: Annotated[list[str], typer.Argument(metavar="NAME...")]
) -> None:
    """Make people some of a group; it begins with the first."""
    connection: Connection = context.obj
    with connection.ask() as control:
        for name in names:
            print(clean(control.add_to_group(group, name).message))


@group.command()
def remove(
    context: typer.Context, group: Group, names: Annotated[list[str], typer.Argument(metavar="NAME...")]
) -> None:
    """Take people out of a group; it ends with the last."""
    connection: Connection = context.obj
    with connection.ask() as control:
        for name in names:
            print(clean(control.remove_from_group(group, name).message))
