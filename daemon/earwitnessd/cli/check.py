"""`earwitnessd check`: the effective settings, and whether the daemon could start with them."""

from __future__ import annotations

import sys

import typer

from earwitnessd.cli.options import CANNOT_START, ConfigOption, SetOption


def check(config: ConfigOption = None, overrides: SetOption = None) -> None:
    """Print the settings in force and what was found; exit status 3 if the daemon could not start."""
    from earwitnessd.checks import examine
    from earwitnessd.settings.load import dump, load
    from earwitnessd.settings.validate import SettingsError

    try:
        settings = load(config, overrides or ())
    except SettingsError as error:
        print(f"earwitnessd: {error}", file=sys.stderr)
        raise typer.Exit(CANNOT_START) from None
    print(f"# effective settings ({config or 'defaults'})\n{dump(settings)}\n# found")
    findings = examine(settings)
    for finding in findings:
        print(f"{'ok  ' if finding.fine else 'FAIL'}  {finding.subject:<10} {finding.says}")
    raise typer.Exit(0 if all(finding.fine for finding in findings) else CANNOT_START)
