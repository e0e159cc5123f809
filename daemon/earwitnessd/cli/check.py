"""`earwitnessd check`: the effective settings, and whether the daemon could start with them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from earwitnessd.cli.installed import Meant, meant
from earwitnessd.cli.options import CANNOT_START, ConfigOption, SetOption, one_line

if TYPE_CHECKING:
    from earwitnessd.checks import Installed
    from earwitnessd.settings.root import Settings


def check(
    config: ConfigOption = None,
    overrides: SetOption = None,
    user: Annotated[
        bool, typer.Option("--user", help="The service of your session, not the machine's.")
    ] = False,
) -> None:
    """Print the settings in force and what was found; exit status 3 if the daemon could not start.

    Without --config it looks at the installed service, if there is one: at its settings, its profiles and
    whether it runs.
    """
    from earwitnessd.assemble import profile_file
    from earwitnessd.checks import examine
    from earwitnessd.settings.load import dump, load
    from earwitnessd.settings.validate import SettingsError

    whose = meant(config, user=user)
    whose.look_as()
    try:
        settings = load(whose.config, overrides or ())
        profile_file(settings).exists()
    except SettingsError as error:
        _fail(str(error))
    except PermissionError:
        _fail(whose.not_yours if whose.service else f"{profile_file(settings)}: you may not look there")
    of = f"of {whose.name}, {whose.config}" if whose.service else str(whose.config or "defaults")
    print(f"# effective settings ({of})\n{dump(settings)}\n# found")
    findings = examine(settings, _installed(whose, settings) if whose.service else None)
    for finding in findings:
        print(f"{'ok  ' if finding.fine else 'FAIL'}  {finding.subject:<10} {finding.says}")
    raise typer.Exit(0 if all(finding.fine for finding in findings) else CANNOT_START)


def _installed(whose: Meant, settings: Settings) -> Installed:
    from earwitnessd.access import sockets
    from earwitnessd.checks import Installed
    from earwitnessd.doctor.access import running_daemon

    running = running_daemon(sockets.resolve(settings.sockets))
    serves = f"{whose.name} answers, process {running.pid}" if running else ""
    return Installed(serves, whose.handed_key(settings))


def _fail(problem: str) -> NoReturn:
    print(f"earwitnessd: {one_line(Exception(problem))}", file=sys.stderr)
    raise typer.Exit(CANNOT_START)
