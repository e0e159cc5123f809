"""`earwitnessd install` and `uninstall`: the daemon as a service of systemd."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earwitnessd.cli.options import UNUSABLE

if TYPE_CHECKING:
    from earwitnessd.install.places import Places
    from earwitnessd.install.work import Work

UserOption = Annotated[
    bool, typer.Option("--user", help="For your desktop session (PipeWire, PulseAudio), not for the machine.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
RootOption = Annotated[
    Path,
    typer.Option("--root", help="Into the system whose root this is, such as an image's.", metavar="DIR"),
]


def install(
    user: UserOption = False,
    now: Annotated[bool, typer.Option("--now", help="Start it, too.")] = False,
    dry_run: DryRunOption = False,
    root: RootOption = Path("/"),
) -> None:
    """Put units, user, settings and keys in place, and have the service start at boot.

    It says each thing it does, and may be run again: after an upgrade, and after settings have got a tcp
    socket, metrics or folders of their own, for which the service must be allowed more.
    """
    from earwitnessd.install.installing import install as put_in_place

    _do(lambda places, work: put_in_place(places, work, start=now), user, dry_run, root)


def uninstall(
    user: UserOption = False,
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove voice profiles, settings and keys, too.")
    ] = False,
    dry_run: DryRunOption = False,
    root: RootOption = Path("/"),
) -> None:
    """Stop the service and take its units away; keeps voice profiles, settings and keys."""
    from earwitnessd.install.installing import uninstall as take_away

    _do(lambda places, work: take_away(places, work, purge=purge), user, dry_run, root)


def _do(act: Callable[[Places, Work], None], user: bool, dry_run: bool, root: Path) -> None:
    from earwitnessd.install.errors import InstallError
    from earwitnessd.install.places import SYSTEM, users_places
    from earwitnessd.install.work import Work

    places = users_places(os.environ, Path.home()) if user else SYSTEM
    try:
        act(places, Work(print, root=root.absolute(), dry_run=dry_run))
    except (InstallError, OSError) as error:
        print(f"earwitnessd: {error}", file=sys.stderr)
        raise typer.Exit(UNUSABLE) from None
