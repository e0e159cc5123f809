"""`earwitnessd keys`: key pairs for tcp sockets."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earwitnessd.cli.options import UNUSABLE, ConfigOption, SetOption, one_line

if TYPE_CHECKING:
    from earwitnessd.settings.root import Curve

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _keys() -> None:
    """Make, list and revoke keys for tcp sockets."""


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Whose key: a file name, such as kitchen-tablet.")],
    to: Annotated[Path, typer.Option(help="Where to write it.")] = Path(),
) -> None:
    """Make a CURVE key pair: NAME.key (public) and NAME.key_secret (keep it to its owner)."""
    from earwitnessd.access.keys import new_key_pair

    try:
        public, secret = new_key_pair(to, name)
    except (OSError, ValueError) as error:
        print(f"earwitnessd: {error}", file=sys.stderr)
        raise typer.Exit(UNUSABLE) from None
    print(f"public key  {public}\nsecret key  {secret}")
    print("The public key goes into the daemon's sockets.curve.subscribers, .controllers or .satellites;")
    print("the client names its secret key with --key and the daemon's public key with --server-key.")


@app.command()
def signing(
    name: Annotated[str, typer.Argument(help="Whose key: a file name, such as desk.")],
    to: Annotated[Path, typer.Option(help="Where to write it.")] = Path(),
) -> None:
    """Make the key pair a writer signs its profiles with: NAME.signing (public), NAME.signing_secret."""
    from earwitnessd.sharing.signing import key_id, new_signing_key, read_public

    try:
        public, secret = new_signing_key(to, name)
    except (OSError, ValueError) as error:
        print(f"earwitnessd: {error}", file=sys.stderr)
        raise typer.Exit(UNUSABLE) from None
    print(f"public key  {public}\nsecret key  {secret}\nid          {key_id(read_public(public))}")
    print("The writer names the secret key in share.signing_key_file; whoever follows names the public one")
    print("in follow.signed_by, and believes nothing that is not signed with it.")


@app.command("list")
def list_(config: ConfigOption = None, overrides: SetOption = None) -> None:
    """Show the clients' keys that count, and what each may do."""
    from earwitnessd.access.keys import listed

    curve = _curve(config, overrides)
    ways = (
        ("subscribe", curve.subscribers),
        ("control", curve.controllers),
        ("be heard", curve.satellites),
        ("follow", curve.followers),
    )
    for name, files in listed(curve).items():
        folders = {str(file.parent) for file in files}
        may = [word for word, folder in ways if folder and str(Path(folder)) in folders]
        print(f"{name:<24} {' and '.join(may)}")


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="Whose key, as `keys list` shows it.")],
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Take a key off all lists. A running daemon ends its connections within a second."""
    from earwitnessd.access.keys import revoke as take_off

    curve = _curve(config, overrides)
    try:
        for file in take_off(curve, name):
            print(f"now {file}")
    except OSError as error:
        print(f"earwitnessd: {error}", file=sys.stderr)
        raise typer.Exit(UNUSABLE) from None


def _curve(config: Path | None, overrides: list[str] | None) -> Curve:
    """The settings' keys, or the end."""
    from earwitnessd.settings.load import load
    from earwitnessd.settings.validate import SettingsError

    try:
        curve = load(config, overrides or ()).sockets.curve
    except SettingsError as error:
        print(f"earwitnessd: {one_line(error)}", file=sys.stderr)
        raise typer.Exit(UNUSABLE) from None
    if curve is None:
        print(
            "earwitnessd: these settings have no sockets.curve: name the daemon's file with --config",
            file=sys.stderr,
        )
        raise typer.Exit(UNUSABLE)
    return curve
