"""`earwitness schema`: the contract, for programs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..schema import Part


def schema(
    part: Annotated[
        Part, typer.Argument(help="The events, or control's requests and replies.")
    ] = Part.EVENTS,
) -> None:
    """Print the contract as JSON Schema, draft 2020-12."""
    from .. import schema as contract

    sys.stdout.write(contract.schema(part))
