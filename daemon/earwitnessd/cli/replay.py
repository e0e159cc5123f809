"""`earwitnessd replay`: what the daemon says of recordings, the same each time."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earwitnessd.cli.options import CANNOT_START, UNUSABLE, ConfigOption, SetOption, one_line
from earwitnessd.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from earwitness.events import AnyEvent, Heartbeat

NOT_WHOLE = 1  # exit status: a recording was not heard from its beginning to its end
INTERRUPTED = 130
TYPE_WIDTH = 16


def replay(
    recordings: Annotated[
        list[Path],
        typer.Argument(
            metavar="AUDIO...", help="Sound files, heard one after the other.", show_default=False
        ),
    ],
    config: ConfigOption = None,
    overrides: SetOption = None,
    profiles: Annotated[
        Path | None,
        typer.Option(
            metavar="DB",
            help="Who is enrolled. Without it, the settings' profiles. Read only.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the events as JSON, one a line.")] = False,
) -> None:
    """Run recordings through a whole daemon at full speed and print its events.

    A daemon of its own, with a copy of the profiles: nothing is changed, nothing is published. The same
    recordings, profiles and settings give the same events but for boot, time and latency_ms.

    Exit status: 0, 1 a recording was not heard whole, 2 the command line cannot be used, 3 cannot start.
    """
    from earwitness.control import ControlError, NoDaemon
    from earwitnessd.private import PrivateDaemonError
    from earwitnessd.profiles import StoreError
    from earwitnessd.settings.validate import SettingsError

    try:
        whole = _replay(recordings, config, overrides or [], profiles, as_json=as_json)
    except BrokenPipeError:
        # whoever read our output has enough; the interpreter must not try to flush the rest
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except (SettingsError, StoreError, PrivateDaemonError, ControlError, NoDaemon) as error:
        print(f"earwitnessd replay: {one_line(error)}", file=sys.stderr)
        raise typer.Exit(CANNOT_START) from None
    if not whole:
        raise typer.Exit(NOT_WHOLE)


def _replay(
    recordings: list[Path], config: Path | None, overrides: list[str], profiles: Path | None, *, as_json: bool
) -> bool:
    """Whether all recordings were heard whole."""
    from earwitnessd.assemble import profile_file
    from earwitnessd.replay.numbering import Numbering
    from earwitnessd.replay.play import ReplayError, play, stage, stream_names
    from earwitnessd.settings.load import load

    settings = load(config, overrides)
    database = profiles or profile_file(settings)
    for file in [*recordings, *([profiles] if profiles else [])]:
        if not file.is_file():
            print(f"earwitnessd replay: {file}: there is no such file", file=sys.stderr)
            raise typer.Exit(UNUSABLE)
    numbering = Numbering()
    show = _as_json if as_json else in_words()
    whole = True
    with stage(recordings, settings, database) as daemon:
        _introduce(daemon.control.status().heartbeat, database)
        for stream, file in zip(stream_names(recordings), recordings, strict=True):
            try:
                with _progress(file) as advance:
                    for event in play(daemon, stream, numbering):
                        show(event)
                        advance(event)
            except ReplayError as error:
                print(f"earwitnessd replay: {file}: {error}", file=sys.stderr)
                whole = False
    return whole


def _introduce(beat: Heartbeat, database: Path) -> None:
    """Who can be recognised, and by which model."""
    who = f"{beat.profiles} enrolled" if beat.profiles else f"nobody is enrolled in {database}"
    other = f", {beat.profiles_other_model} with another model only" if beat.profiles_other_model else ""
    print(f"{beat.engine.model_id} on {beat.engine.device}; {who}{other}", file=sys.stderr)


def _as_json(event: AnyEvent) -> None:
    from earwitness.events import encode

    sys.stdout.buffer.write(encode(event) + b"\n")
    sys.stdout.buffer.flush()


def in_words() -> Callable[[AnyEvent], None]:
    """Position, type, stream and what happened, in columns."""
    from rich.console import Console
    from rich.text import Text

    from earwitness import palette
    from earwitness.events import StreamEvent
    from earwitness.words import clean, describe

    console = Console(soft_wrap=True, highlight=False, markup=False)

    def show(event: AnyEvent) -> None:
        assert isinstance(event, StreamEvent)
        line = describe(event)
        tone = palette.TONES[line.tone]
        words = Text.assemble(
            (f"{event.stop / event.rate:>9.2f} s  ", palette.DIM),
            (f"{event.type:<{TYPE_WIDTH}} ", tone),
            (f"{clean(event.stream)} ", "bold"),
            (line.text, "" if line.tone == "calm" else tone),
        )
        console.print(words)
        sys.stdout.flush()

    return show


@contextmanager
def _progress(file: Path) -> Iterator[Callable[[AnyEvent], None]]:
    """A bar on a terminal, unless the events are shown there already."""
    import soundfile

    from earwitness.events import StreamEvent

    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda _: None
        return
    try:
        duration_s: float | None = soundfile.info(file).duration
    except (soundfile.LibsndfileError, RuntimeError):
        duration_s = None  # the daemon will say what is wrong with it
    with progress(file.name, duration_s) as advance:

        def follow(event: AnyEvent) -> None:
            if isinstance(event, StreamEvent):
                advance(event.stop / event.rate)

        yield follow
