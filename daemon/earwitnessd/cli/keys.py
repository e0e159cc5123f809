"""`earwitnessd keys`: key pairs for tcp sockets."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from earwitnessd.cli.options import UNUSABLE

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _keys() -> None:
    """Make keys for tcp sockets."""


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Whose key: a file name, such as kitchen-tablet.")],
    to: Annotated[Path, typer.Option(help="Where to write it.")] = Path(),
) -> None:
    """Make a CURVE key pair: NAME.key (public) and NAME.key_secret (keep it to its owner)."""
    from earwitnessd.access.keys import new_key_pair

    try:
        public, secret = new_key_pair(to, name)
    except OSError as error:
        print(f"earwitnessd: {error}", file=sys.stderr)
        raise typer.Exit(UNUSABLE) from None
    print(f"public key  {public}\nsecret key  {secret}")
    print("The public key goes into the daemon's sockets.curve.subscribers or .controllers directory;")
    print("the client names its secret key with --key and the daemon's public key with --server-key.")
