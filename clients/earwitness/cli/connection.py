"""Where the commands find the daemon, and how they fail when it is not there."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from .. import palette
from ..control import Control, ControlError, NoDaemon
from ..endpoints import Keys

FAILED = 1
USAGE = 2
NO_DAEMON = 3
PIPE_WIDTH = 240


@dataclass(frozen=True)
class Connection:
    """The global options."""

    events: str | None = None
    control: str | None = None
    key: Path | None = None
    server_key: Path | None = None

    def keys(self) -> Keys | None:
        """The keys that the options name; None leaves it to the environment."""
        if self.key is None and self.server_key is None:
            return None
        if self.key is None or self.server_key is None:
            raise ValueError("--key and --server-key go together")
        return Keys.load(self.key, self.server_key)

    def ask(self) -> Control:
        """Open a control connection."""
        return Control(self.control, keys=self.keys())


@contextlib.contextmanager
def clear_errors() -> Iterator[None]:
    """Turn what can go wrong into one line on stderr and an exit status."""
    try:
        yield
    except NoDaemon as error:
        fail(str(error), NO_DAEMON)
    except ControlError as error:
        fail(error.message, FAILED)
    except (OSError, ValueError) as error:
        fail(str(error), FAILED)


def fail(message: str, status: int) -> None:
    """Say it and leave."""
    print(f"earwitness: {message}", file=sys.stderr)
    sys.exit(status)


def table(*columns: str) -> Table:
    """A plain table, made for reading and for grep."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=palette.DIM)
    for column in columns:
        made.add_column(column, no_wrap=True)
    return made


def show(*renderables: RenderableType) -> None:
    """Print for people; through a pipe nothing is cut off."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
    for renderable in renderables:
        console.print(renderable, soft_wrap=isinstance(renderable, Text))


def print_json(value: object) -> None:
    """Print one JSON object on one line."""
    print(msgspec.json.encode(value).decode(), flush=True)
