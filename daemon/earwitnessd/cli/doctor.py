"""`earwitnessd doctor`: what is wrong, and what mends it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earwitnessd.cli.options import UNUSABLE, ConfigOption, SetOption, one_line

if TYPE_CHECKING:
    from earwitnessd.install.places import Places


def doctor(
    config: ConfigOption = None,
    overrides: SetOption = None,
    user: Annotated[
        bool, typer.Option("--user", help="The service of your session, not the machine's.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """Look at everything the daemon needs, and say what mends what is wrong.

    Without --config it looks at the installed service, if there is one. Devices that no daemon holds are
    opened for a second. Exit status: 0 nothing is wrong (there may be notes), 1 something is, 2 the settings
    cannot be used.
    """
    import msgspec
    from rich.console import Console

    from earwitnessd.doctor.examine import examine
    from earwitnessd.doctor.finding import worst
    from earwitnessd.doctor.show import show
    from earwitnessd.install.places import SYSTEM, users_places
    from earwitnessd.settings.load import load
    from earwitnessd.settings.validate import SettingsError

    own = users_places(os.environ, Path.home())
    places = own if user or (own.unit.exists() and not SYSTEM.unit.exists()) else SYSTEM
    service = places.unit.exists() and config in {None, places.config}
    if service:
        config = places.config
        _look_as(places)
    try:
        settings = load(config, overrides or ())
    except SettingsError as error:
        print(f"earwitnessd: {one_line(error)}", file=sys.stderr)
        raise typer.Exit(UNUSABLE) from None
    findings = []
    console = Console(highlight=False)
    with console.status("looking") if console.is_terminal and not as_json else Console(quiet=True).status(""):
        findings = list(examine(settings, places, service=service))
    if as_json:
        print(msgspec.json.encode(findings).decode())
    else:
        show(findings, console)
    raise typer.Exit(1 if worst(findings) == "wrong" else 0)


def _look_as(places: Places) -> None:
    """Where the service finds its things, as systemd would tell it."""
    if not places.user:
        os.environ.setdefault("STATE_DIRECTORY", str(places.state))
        os.environ.setdefault("CACHE_DIRECTORY", str(places.cache))
    os.environ.setdefault("RUNTIME_DIRECTORY", str(places.runtime))
