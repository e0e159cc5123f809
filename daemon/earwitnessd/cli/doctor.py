"""`earwitnessd doctor`: what is wrong, and what mends it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from earwitnessd.cli.installed import meant
from earwitnessd.cli.options import UNUSABLE, ConfigOption, SetOption, one_line


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
    from earwitnessd.settings.load import load
    from earwitnessd.settings.validate import SettingsError

    whose = meant(config, user=user)
    whose.look_as()
    try:
        settings = load(whose.config, overrides or ())
    except SettingsError as error:
        print(f"earwitnessd: {one_line(error)}", file=sys.stderr)
        raise typer.Exit(UNUSABLE) from None
    findings = []
    console = Console(highlight=False)
    with console.status("looking") if console.is_terminal and not as_json else Console(quiet=True).status(""):
        findings = list(examine(settings, whose.places, service=whose.service))
    if as_json:
        print(msgspec.json.encode(findings).decode())
    else:
        show(findings, console)
    raise typer.Exit(1 if worst(findings) == "wrong" else 0)
