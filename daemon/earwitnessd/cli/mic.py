"""`earwitness-mic`: a microphone on this machine for a daemon on another."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earwitnessd.cli.install import DryRunOption, RootOption
from earwitnessd.cli.options import CANNOT_START, UNUSABLE, SetOption, one_line

if TYPE_CHECKING:
    from earwitnessd.install.work import Work
    from earwitnessd.satellite.settings import SatelliteSettings

DEFAULT_CONFIG = Path("/etc/earwitness/mic.yaml")
# named here, too: --help is quick

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help=f"Settings file (YAML). Without it {DEFAULT_CONFIG}, if there is one.",
        show_default=False,
    ),
]

app = typer.Typer(
    help="A microphone on this machine, heard by an earwitnessd on another.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        from earwitnessd.version import VERSION

        print(f"earwitness-mic {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Say which earwitness this is.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    pass


@app.command()
def run(config: ConfigOption = None, overrides: SetOption = None) -> None:
    """Listen and send until stopped (SIGTERM, Ctrl-C), whether the daemon is there or not.

    Exit status: 0 stopped, 3 it could not start.
    """
    import msgspec

    from earwitnessd.access.sockets import SocketError, check_private
    from earwitnessd.satellite.keys import secret_file

    settings = _load(config, overrides)
    try:
        if (file := secret_file(settings.key)).exists():  # of one that is not there, more is said below
            check_private(file, "key")
    except SocketError as error:
        print(f"earwitness-mic: {one_line(error)}", file=sys.stderr)
        raise typer.Exit(CANNOT_START) from None
    # Another program in this process: what reading settings and a command line took is free again.
    program = [sys.executable, "-P", "-m", "earwitnessd.satellite", msgspec.json.encode(settings).decode()]
    os.execv(sys.executable, program)  # noqa: S606 - an argument list


@app.command()
def check(config: ConfigOption = None, overrides: SetOption = None) -> None:
    """Print the settings in force; try keys, microphone and daemon. Exit status 3 if anything fails."""
    settings = _load(config, overrides)
    from earwitnessd.satellite.examine import examine
    from earwitnessd.satellite.reading import dump

    print(f"# effective settings\n{dump(settings)}\n# found")
    fine = True
    for finding in examine(settings):
        print(f"{'ok  ' if finding.fine else 'FAIL'}  {finding.subject:<10} {finding.says}", flush=True)
        fine = fine and finding.fine
    raise typer.Exit(0 if fine else CANNOT_START)


@app.command()
def key(
    name: Annotated[str, typer.Argument(help="What to call this microphone, such as kitchen.")],
    to: Annotated[Path, typer.Option(help="Where to write it.")] = Path(),
) -> None:
    """Make this machine's key pair: NAME.key for the daemon, NAME.key_secret for `key` in the settings."""
    from earwitnessd.access.keys import new_key_pair

    try:
        public, secret = new_key_pair(to, name)
    except (OSError, ValueError) as error:
        print(f"earwitness-mic: {error}", file=sys.stderr)
        raise typer.Exit(UNUSABLE) from None
    print(f"public key  {public}\nsecret key  {secret}")
    print("Copy the public key into the daemon's sockets.curve.satellites directory, and give the daemon a")
    print(f"stream {{source: network, key: {name}}}. The secret key stays here: name it as `key`.")


@app.command()
def unit() -> None:
    """Print the systemd unit as `install` places it."""
    from earwitnessd.install.microphone import unit as filled_in

    print(filled_in(Path(sys.executable).absolute().parent), end="")


@app.command()
def install(
    daemon: Annotated[
        str | None, typer.Option(help="Where the daemon listens.", metavar="tcp://HOST:PORT")
    ] = None,
    daemon_key: Annotated[Path | None, typer.Option(help="A file with its public key: NAME.key.")] = None,
    now: Annotated[bool, typer.Option("--now", help="Start it, too.")] = False,
    dry_run: DryRunOption = False,
    root: RootOption = Path("/"),
) -> None:
    """Put unit, settings and keys in place, and have the microphone heard from boot on.

    It says each thing it does and what is left to do, and may be run again: after an upgrade, after a change
    of settings.
    """
    from earwitnessd.install.microphone import Wish
    from earwitnessd.install.microphone import install as put_in_place

    wish = Wish(daemon=daemon, daemon_key=daemon_key, start=now)
    _do(lambda work: put_in_place(work, wish), dry_run, root)


@app.command()
def uninstall(
    purge: Annotated[bool, typer.Option("--purge", help="Remove settings and keys, too.")] = False,
    dry_run: DryRunOption = False,
    root: RootOption = Path("/"),
) -> None:
    """Stop the service and take its unit away; keeps settings and keys."""
    from earwitnessd.install.microphone import uninstall as take_away

    _do(lambda work: take_away(work, purge=purge), dry_run, root)


def _do(act: Callable[[Work], None], dry_run: bool, root: Path) -> None:
    from earwitnessd.install.errors import InstallError
    from earwitnessd.install.work import Work

    try:
        act(Work(print, root=root.absolute(), dry_run=dry_run))
    except (InstallError, OSError) as error:
        print(f"earwitness-mic: {error}", file=sys.stderr)
        raise typer.Exit(UNUSABLE) from None


def _load(config: Path | None, overrides: list[str] | None) -> SatelliteSettings:
    from earwitnessd.satellite.reading import load
    from earwitnessd.settings.validate import SettingsError

    if config is None and DEFAULT_CONFIG.exists():
        config = DEFAULT_CONFIG
    try:
        return load(config, overrides or ())
    except SettingsError as error:
        print(f"earwitness-mic: {one_line(error)}", file=sys.stderr)
        raise typer.Exit(CANNOT_START) from None


def main() -> None:
    """The console script."""
    app()
