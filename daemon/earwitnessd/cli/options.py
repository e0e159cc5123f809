"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", help="Settings file (YAML). Without it, the defaults.", show_default=False
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        help="One setting over the file's, such as windows.hop_s=0.25. May be repeated.",
        metavar="KEY=VALUE",
        show_default=False,
    ),
]

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", help="builtin, a directory or a hub name; without it, the settings'", show_default=False
    ),
]
TRIALS = "`label path path` or `label path start dur path start dur`"
# what a list of trials holds
ROOT = "folder that the paths start from"

UNUSABLE = 2  # exit status: the settings or the command line cannot be used
CANNOT_START = 3  # exit status: the daemon cannot start
ENGINE_FAILED = 1


def one_line(error: Exception) -> str:
    """The whole message on one line, as a journal and a glance want it."""
    return " ".join(str(error).split())
