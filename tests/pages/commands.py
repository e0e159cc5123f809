"""The commands of ours that pages show, and those that there are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import typer.main

from earwitness.cli.app import app as client
from earwitnessd.cli import app as daemon
from earwitnessd.cli.mic import app as satellite

from .page import Page

Command = Any  # click's, or typer's copy of it: that depends on typer's version

PROGRAMS: dict[str, Command] = {
    "earwitness": typer.main.get_command(client),
    "earwitnessd": typer.main.get_command(daemon),
    "earwitness-mic": typer.main.get_command(satellite),
}
OPERATOR = set("();<>|&")
PREFIX = re.compile(r"^(sudo|[A-Z_]+=.*)$")


@dataclass(frozen=True)
class Shown:
    """One call of a program of ours, as somebody would type it."""

    program: str
    words: tuple[str, ...]

    def path(self) -> str:
        """The command that it calls; the parser's error if there is no such command or option."""
        name, command, rest, context = self.program, PROGRAMS[self.program], list(self.words), None
        while True:
            context = command.context_class(command, info_name=name, parent=context)
            _, rest, _ = command.make_parser(context).parse_args(rest)
            if not hasattr(command, "commands") or not rest:
                return str(context.command_path)
            name, *rest = rest
            if name not in command.commands:
                raise LookupError(f"{context.command_path} has no command {name!r}")
            command = command.commands[name]

    def __str__(self) -> str:
        return shlex.join([self.program, *self.words])


def shown(page: Page) -> Iterator[Shown]:
    """All of them in a page: in its shell blocks and within its lines."""
    for block in page.blocks("sh"):
        yield from calls(block)
    for code in page.codes():
        if code.split()[0] in PROGRAMS:
            yield from calls(code)


def calls(script: str) -> Iterator[Shown]:
    """Those of a shell script, however they are joined."""
    for line in script.replace("\\\n", " ").splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        yield from _calls(list(words))


def _calls(words: list[str]) -> Iterator[Shown]:
    call: list[str] = []
    for word in [*words, ";"]:
        if not set(word) <= OPERATOR:
            call.append(word)
            continue
        while call and PREFIX.match(call[0]):
            del call[0]
        if call and PurePosixPath(call[0]).name in PROGRAMS:
            yield Shown(PurePosixPath(call[0]).name, tuple(call[1:]))
        call = []


def existing() -> list[str]:
    """Every command that does something, by its whole name."""
    return [path for name, program in PROGRAMS.items() for path in _leaves(program, name)]


def _leaves(command: Command, path: str) -> Iterator[str]:
    if not hasattr(command, "commands"):
        yield path
        return
    for name, each in command.commands.items():
        yield from _leaves(each, f"{path} {name}")
