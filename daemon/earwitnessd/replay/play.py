"""Plays recordings to a daemon of our own, one after the other, and hands on what it says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from earwitness.events import AnyEvent, StreamEvent, StreamLost, StreamOpened
from earwitnessd.private import PrivateDaemon, PrivateDaemonError, private_daemon
from earwitnessd.profiles.copying import copy_profiles
from earwitnessd.replay.numbering import Numbering
from earwitnessd.settings.root import Audit, Evidence, Metrics, Settings, Templates
from earwitnessd.settings.sources import FileReplay
from earwitnessd.templates.key_file import KeyPlace

SILENT_S = 30.0  # the heartbeat comes every second
LONGEST_NAME = 32


class ReplayError(Exception):
    """A recording was not heard from its beginning to its end: says which and why."""


@contextmanager
def stage(recordings: Sequence[Path], settings: Settings, profiles: Path) -> Iterator[PrivateDaemon]:
    """A daemon with these settings and a copy of these profiles; each recording is a paused stream."""
    streams = {
        name: FileReplay(path=str(file), pace="fast", paused=True)
        for name, file in zip(stream_names(recordings), recordings, strict=True)
    }

    def private(folder: Path) -> Settings:
        copy = folder / "profiles.db"
        copy_profiles(profiles, copy)
        key = KeyPlace.find(settings.templates.key_file, profiles).file
        return msgspec.structs.replace(
            settings,
            streams=streams,
            profiles=str(copy),
            metrics=Metrics(),
            evidence=Evidence(),
            templates=Templates(key_file=str(key) if key.exists() else "auto"),
            audit=Audit(keep=False),
            engine=settings.engine.steady(),
        )

    with private_daemon(private) as daemon:
        yield daemon


def play(daemon: PrivateDaemon, stream: str, numbering: Numbering) -> Iterator[AnyEvent]:
    """Everything about one recording, as it is said; ReplayError if it was not heard whole."""
    missed_before = daemon.listener.counts.missed
    opened = False
    daemon.control.resume(stream)
    while True:
        event = daemon.listener.receive(SILENT_S)
        if event is None or daemon.process.poll() is not None:
            raise PrivateDaemonError(f"the daemon did not go on: {daemon.last_words()}")
        if event.replayed or not isinstance(event, StreamEvent) or event.stream != stream:
            continue
        opened |= isinstance(event, StreamOpened)
        yield numbering.of(event)
        if isinstance(event, StreamLost):
            break
    if not opened or not event.final or event.reason != "end of file":
        raise ReplayError(event.reason)
    if missed := daemon.listener.counts.missed - missed_before:
        raise ReplayError(f"{missed} events never arrived here: whoever reads the output was too slow")


def stream_names(recordings: Sequence[Path]) -> list[str]:
    """A stream's name for each file: its own, as far as that can be one, and no name twice."""
    names: list[str] = []
    for file in recordings:
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", file.stem).lstrip("-")[:LONGEST_NAME] or "recording"
        name, number = plain, 1
        while name in names:
            number += 1
            name = f"{plain[: LONGEST_NAME - len(str(number)) - 1]}-{number}"
        names.append(name)
    return names
